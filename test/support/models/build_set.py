"""Builds the tiny model set; build.py runs it."""

import math
from pathlib import Path

import numpy as np
from graph_files import Type, Weights, constant, node, save_json, save_weights, value, write

SET = Path(__file__).parent / "tiny-set"

TEXT_WIDTH = 8
VOCABULARY = 674
LATENT = ["batch", 4, "height", "width"]
CLIP = ["batch", 4, "frames", "height", "width"]


def tiny_set():
    """A whole model set: every graph keeps its contract, and does next to nothing."""
    image, video = SET / "image", SET / "video" / "tiny"
    for folder in (image, video):
        text_encoder(folder / "text_encoder")
        tokenizer(folder / "tokenizer")
    halves = lambda *shape: (np.sin(np.arange(math.prod(shape)) + 1) / 4).reshape(shape).astype(np.float16)
    weights = image / "unet" / "diffusion_pytorch_model.safetensors"
    save_weights(weights, {"kernel": halves(4, 4, 1, 1)})
    save_weights(image / "controlnet-canny" / weights.name, {"kernel": halves(4, 3, 8, 8)})
    save_weights(image / "vae" / weights.name, {"in": halves(8, 3, 8, 8), "out": halves(3, 4, 1, 1)})
    save_weights(video / "unet" / weights.name, {"kernel": halves(4, 4, 1, 1, 1)})
    unet(image / "unet" / "model.onnx", LATENT, weights)
    unet(image / "unet" / "inflated.onnx", CLIP, weights)
    unet(image / "unet_controlnet-canny.onnx", LATENT, weights, image / "controlnet-canny" / weights.name)
    unet(video / "unet" / "model.onnx", CLIP, video / "unet" / weights.name)
    vae(image)
    save_json(image / "unet" / "config.json", {"in_channels": 4, "cross_attention_dim": TEXT_WIDTH})
    save_json(image / "controlnet-canny" / "config.json", {"conditioning_channels": 3})
    save_json(image / "vae" / "config.json", {"latent_channels": 4, "scaling_factor": 0.18215})
    save_json(video / "unet" / "config.json", {"in_channels": 4, "window": 4})
    save_json(
        image / "scheduler" / "scheduler_config.json",
        {
            "_class_name": "DDIMScheduler",
            "beta_end": 0.012,
            "beta_schedule": "scaled_linear",
            "beta_start": 0.00085,
            "clip_sample": False,
            "num_train_timesteps": 1000,
            "prediction_type": "epsilon",
            "set_alpha_to_one": False,
            "steps_offset": 1,
        },
    )
    save_json(SET / "card.json", tiny_card())


def tiny_card():
    return {
        "apiVersion": "bivdiff/v1",
        "kind": "ModelSet",
        "name": "tiny",
        "image": "image",
        "videos": {"tiny": "video/tiny"},
        "defaultVideo": "tiny",
        "generators": {
            "canny": {
                "task": "controlnet",
                "unet": "unet_controlnet-canny",
                "conditions": [{"annotator": "canny", "low": 60, "high": 150}],
            }
        },
        "defaults": {
            "guidanceScale": 5,
            "videoGuidanceScale": 1.5,
            "mixingRatio": 0.2,
            "steps": 4,
            "size": "64x32",
            "negativePrompt": "",
            "scheduler": "ddim",
            "inversion": "ddim",
        },
        "sizeMultiple": 8,
    }


def text_encoder(folder):
    """The mean over nothing but the token: an embedding table."""
    table = (np.sin(np.arange(VOCABULARY * TEXT_WIDTH) + 1)).reshape(VOCABULARY, TEXT_WIDTH)
    save_weights(folder / "model.safetensors", {"table": table.astype(np.float16)})
    loaded = Weights(folder / "model.onnx")
    loaded.add("table", folder / "model.safetensors")
    write(
        folder / "model.onnx",
        nodes=[
            *loaded.nodes,
            node("Gather", ["table", "input_ids"], ["last_hidden_state"]),
            node("ReduceMean", ["last_hidden_state", "one"], ["pooler_output"], keepdims=0),
        ],
        inputs=[value("input_ids", Type.INT64, ["batch", 77])],
        outputs=[
            value("last_hidden_state", Type.FLOAT, ["batch", 77, TEXT_WIDTH]),
            value("pooler_output", Type.FLOAT, ["batch", TEXT_WIDTH]),
        ],
        weights=[*loaded.tensors, constant("one", np.int64([1]))],
    )
    save_json(folder / "config.json", {"hidden_size": TEXT_WIDTH, "vocab_size": VOCABULARY})


def tokenizer(folder):
    """Stable Diffusion 1's files, with the small vocabulary of the tokenizer's parity tests."""
    folder.mkdir(parents=True, exist_ok=True)
    source = Path(__file__).parents[3] / "models" / "parity" / "tokenizer" / "sd1"
    for file in source.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())


def unet(path, shape, weights, controlnet=None):
    """kernel * sample + mean of the text + timestep / 1000, and the picture of a ControlNet."""
    loaded = Weights(path)
    loaded.add("kernel", weights)
    kernel_shape = [4, 4] + [1] * (len(shape) - 2)
    nodes = [
        node("Reshape", ["kernel", "kernel_shape"], ["k"]),
        node("Conv", ["sample", "k"], ["mixed"]),
        node("ReduceMean", ["encoder_hidden_states"], ["text"], keepdims=0),
        node("Mul", ["timestep", "thousandth"], ["time"]),
        node("Add", ["text", "time"], ["shift"]),
    ]
    inputs = [
        value("sample", Type.FLOAT, shape),
        value("timestep", Type.FLOAT, []),
        value("encoder_hidden_states", Type.FLOAT, ["batch", "sequence", TEXT_WIDTH]),
    ]
    last = "mixed"
    if controlnet is not None:
        loaded.add("picture_kernel", controlnet, "kernel")
        nodes += [
            node("Squeeze", ["controlnet_conds", "first"], ["cond"]),
            node("Conv", ["cond", "picture_kernel"], ["picture"], strides=[8, 8]),
            node("Mul", ["picture", "conditioning_scales"], ["scaled"]),
            node("Add", ["mixed", "scaled"], ["guided"]),
        ]
        pictures = [1, "batch", 3, "image_height", "image_width"]
        inputs += [
            value("controlnet_conds", Type.FLOAT, pictures),
            value("conditioning_scales", Type.FLOAT, [1]),
        ]
        last = "guided"
    write(
        path,
        nodes=[*loaded.nodes, *nodes, node("Add", [last, "shift"], ["out_sample"])],
        inputs=inputs,
        outputs=[value("out_sample", Type.FLOAT, shape)],
        weights=[
            *loaded.tensors,
            constant("kernel_shape", np.int64(kernel_shape)),
            constant("thousandth", np.float32(0.001)),
            constant("first", np.int64([0])),
        ],
    )


def vae(image):
    """Eight pixels to one by a convolution, and back by repeating."""
    weights = image / "vae" / "diffusion_pytorch_model.safetensors"
    pictures = ["batch", 3, "height", "width"]
    encoder = Weights(image / "vae_encoder.onnx")
    encoder.add("in", weights)
    write(
        image / "vae_encoder.onnx",
        nodes=[*encoder.nodes, node("Conv", ["sample", "in"], ["latent_parameters"], strides=[8, 8])],
        inputs=[value("sample", Type.FLOAT, pictures)],
        outputs=[value("latent_parameters", Type.FLOAT, ["batch", 8, "h", "w"])],
        weights=encoder.tensors,
    )
    decoder = Weights(image / "vae_decoder.onnx")
    decoder.add("out", weights)
    write(
        image / "vae_decoder.onnx",
        nodes=[
            *decoder.nodes,
            node("Conv", ["latent_sample", "out"], ["small"]),
            node("Resize", ["small", "", "times"], ["sample"], mode="nearest"),
        ],
        inputs=[value("latent_sample", Type.FLOAT, LATENT)],
        outputs=[value("sample", Type.FLOAT, ["batch", 3, "h", "w"])],
        weights=[*decoder.tensors, constant("times", np.float32([1, 1, 8, 8]))],
    )
