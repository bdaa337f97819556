"""Builds the tiny ONNX graphs that tests run. The .onnx files are committed; run this to make them again.

Usage: python test/support/models/build.py    (needs the onnx package)
"""

import json
import math
import struct
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto as Type
from onnx import helper, numpy_helper

GRAPHS = Path(__file__).parent / "graphs"
SET = Path(__file__).parent / "tiny-set"
OPSET = 18
IR_VERSION = 10

value = helper.make_tensor_value_info
node = helper.make_node


def write(path, *, nodes, inputs, outputs, weights=()):
    graph = helper.make_graph(nodes, path.stem, inputs, outputs, list(weights))
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)


def constant(name, values):
    return numpy_helper.from_array(np.array(values), name)


def ramp(name, shape, scale=1.0):
    """Weights without a random number: a sine of the index."""
    count = math.prod(shape)
    return numpy_helper.from_array(
        (np.sin(np.arange(count) + 1) * scale).astype(np.float32).reshape(shape), name
    )


def external(name, dtype, shape, location, span=None):
    """A tensor whose bytes are elsewhere: `span` is (offset, length) in that file."""
    tensor = onnx.TensorProto(name=name, data_type=dtype, dims=shape)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entries = {"location": location}
    if span is not None:
        entries |= {"offset": str(span[0]), "length": str(span[1])}
    for key, text in entries.items():
        tensor.external_data.add(key=key, value=text)
    return tensor


def small_graphs():
    floats = lambda name: value(name, Type.FLOAT, ["n", "m"])
    write(
        GRAPHS / "add.onnx",
        nodes=[node("Add", ["a", "b"], ["sum"])],
        inputs=[floats("a"), floats("b")],
        outputs=[floats("sum")],
    )
    write(
        GRAPHS / "half-double.onnx",
        nodes=[node("Mul", ["x", "two"], ["y"])],
        inputs=[value("x", Type.FLOAT16, ["n"])],
        outputs=[value("y", Type.FLOAT16, ["n"])],
        weights=[constant("two", np.float16(2))],
    )
    # NaN for negative values, minus infinity for zero.
    write(
        GRAPHS / "log.onnx",
        nodes=[node("Log", ["x"], ["y"])],
        inputs=[value("x", Type.FLOAT, ["n"])],
        outputs=[value("y", Type.FLOAT, ["n"])],
    )
    write(
        GRAPHS / "integers.onnx",
        nodes=[
            node("Cast", ["narrow"], ["wide"], to=Type.INT64),
            node("Add", ["ids", "wide"], ["total"]),
            node("Cast", ["total"], ["narrow_total"], to=Type.INT32),
        ],
        inputs=[value("ids", Type.INT64, ["n"]), value("narrow", Type.INT32, ["n"])],
        outputs=[value("total", Type.INT64, ["n"]), value("narrow_total", Type.INT32, ["n"])],
    )
    # As older exports have it: one timestep for each of the batch.
    write(
        GRAPHS / "timestep-per-sample.onnx",
        nodes=[
            node("Unsqueeze", ["timestep", "one"], ["column"]),
            node("Add", ["sample", "column"], ["out_sample"]),
        ],
        inputs=[value("sample", Type.FLOAT, ["batch", "width"]), value("timestep", Type.FLOAT, ["batch"])],
        outputs=[value("out_sample", Type.FLOAT, ["batch", "width"])],
        weights=[constant("one", np.int64([1]))],
    )
    write(
        GRAPHS / "boolean.onnx",
        nodes=[node("Not", ["x"], ["y"])],
        inputs=[value("x", Type.BOOL, ["n"])],
        outputs=[value("y", Type.BOOL, ["n"])],
    )
    # Fails on any input that has not seven values.
    write(
        GRAPHS / "seven.onnx",
        nodes=[node("Reshape", ["x", "seven"], ["y"])],
        inputs=[value("x", Type.FLOAT, ["n"])],
        outputs=[value("y", Type.FLOAT, ["k"])],
        weights=[constant("seven", np.int64([7]))],
    )
    # Asks for as much memory as `shape` says.
    write(
        GRAPHS / "expand.onnx",
        nodes=[node("Expand", ["x", "shape"], ["y"])],
        inputs=[value("x", Type.FLOAT, [1]), value("shape", Type.INT64, ["rank"])],
        outputs=[value("y", Type.FLOAT, ["a", "b"])],
    )


def slow_graph():
    """Works for as long as `rounds` says: rounds of tanh(x @ w), about 1 us each on one core."""
    body = helper.make_graph(
        [
            node("MatMul", ["state", "w"], ["product"]),
            node("Tanh", ["product"], ["next"]),
            node("Identity", ["go"], ["go_on"]),
        ],
        "round",
        [
            value("round", Type.INT64, []),
            value("go", Type.BOOL, []),
            value("state", Type.FLOAT, ["n", 24]),
        ],
        [value("go_on", Type.BOOL, []), value("next", Type.FLOAT, ["n", 24])],
    )
    write(
        GRAPHS / "slow.onnx",
        nodes=[node("Loop", ["rounds", "", "x"], ["y"], body=body)],
        inputs=[value("x", Type.FLOAT, ["n", 24]), value("rounds", Type.INT64, [])],
        outputs=[value("y", Type.FLOAT, ["n", 24])],
        weights=[ramp("w", [24, 24], 0.4)],
    )


def network_graph():
    """Convolution, GroupNorm, softmax attention, GELU: what could give other bits with other threads."""
    width = 16
    nodes = [
        node("Conv", ["sample", "k1"], ["c1"], pads=[1, 1, 1, 1]),
        node("Reshape", ["c1", "groups"], ["g1"]),
        node("InstanceNormalization", ["g1", "ones", "zeros"], ["g2"]),
        node("Shape", ["c1"], ["c1_shape"]),
        node("Reshape", ["g2", "c1_shape"], ["g3"]),
        node("Sigmoid", ["g3"], ["s"]),
        node("Mul", ["g3", "s"], ["h1"]),
        node("Reshape", ["h1", "positions"], ["flat"]),
        node("Transpose", ["flat"], ["tokens"], perm=[0, 2, 1]),
        node("MatMul", ["tokens", "wq"], ["q"]),
        node("MatMul", ["tokens", "wk"], ["k"]),
        node("Transpose", ["k"], ["kt"], perm=[0, 2, 1]),
        node("MatMul", ["q", "kt"], ["scores"]),
        node("Softmax", ["scores"], ["weights"], axis=-1),
        node("MatMul", ["weights", "tokens"], ["mixed"]),
        node("Transpose", ["mixed"], ["back"], perm=[0, 2, 1]),
        node("Reshape", ["back", "c1_shape"], ["h2"]),
        node("Conv", ["h2", "k2"], ["out_sample"], pads=[1, 1, 1, 1]),
    ]
    write(
        GRAPHS / "network.onnx",
        nodes=nodes,
        inputs=[value("sample", Type.FLOAT, ["batch", 4, "height", "width"])],
        outputs=[value("out_sample", Type.FLOAT, ["batch", 4, "height", "width"])],
        weights=[
            ramp("k1", [width, 4, 3, 3], 0.3),
            ramp("k2", [4, width, 3, 3], 0.2),
            ramp("wq", [width, width], 0.5),
            ramp("wk", [width, width], 0.5),
            constant("groups", np.int64([0, 4, -1])),
            constant("positions", np.int64([0, width, -1])),
            constant("ones", np.ones(4, np.float32)),
            constant("zeros", np.zeros(4, np.float32)),
        ],
    )


def graphs_with_external_data():
    """Two graphs over one file of float16 weights, and one of many megabytes that a test fills itself."""
    halves = np.arange(8, dtype=np.float16)
    write_safetensors(GRAPHS / "shared.safetensors", {"first": halves[:4], "second": halves[4:]})
    for name, entry in (("first", 0), ("second", 8)):
        offset = safetensors_data_offset(GRAPHS / "shared.safetensors") + entry
        write(
            GRAPHS / f"shared-{name}.onnx",
            nodes=[
                node("Cast", ["w"], ["w32"], to=Type.FLOAT),
                node("Mul", ["x", "w32"], ["y"]),
            ],
            inputs=[value("x", Type.FLOAT, ["n", 4])],
            outputs=[value("y", Type.FLOAT, ["n", 4])],
            weights=[external("w", Type.FLOAT16, [4], "shared.safetensors", (offset, 8))],
        )
    write(
        GRAPHS / "large.onnx",
        nodes=[node("MatMul", ["x", "w"], ["y"])],
        inputs=[value("x", Type.FLOAT, ["n", 4096])],
        outputs=[value("y", Type.FLOAT, ["n", 4096])],
        weights=[external("w", Type.FLOAT, [4096, 4096], "large.bin")],
    )


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


class Weights:
    """float16 tensors of safetensors files, cast to float32 as our exporter does."""

    def __init__(self, graph):
        self.folder = graph.parent
        self.tensors = []
        self.nodes = []

    def add(self, name, file, stored=None):
        raw = file.read_bytes()
        start = safetensors_data_offset(file)
        entry = json.loads(raw[8:start])[stored or name]
        first, last = entry["data_offsets"]
        location = file.relative_to(self.folder).as_posix()
        self.tensors.append(
            external(f"{name}.f16", Type.FLOAT16, entry["shape"], location, (start + first, last - first))
        )
        self.nodes.append(node("Cast", [f"{name}.f16"], [name], to=Type.FLOAT))


def save_weights(path, tensors):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_safetensors(path, tensors)


def save_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n")


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for name, array in tensors.items():
        header[name] = {
            "dtype": "F16",
            "shape": list(array.shape),
            "data_offsets": [offset, offset + array.nbytes],
        }
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    bodies = b"".join(array.tobytes() for array in tensors.values())
    path.write_bytes(struct.pack("<Q", len(text)) + text + bodies)


def safetensors_data_offset(path):
    return 8 + struct.unpack("<Q", path.read_bytes()[:8])[0]


if __name__ == "__main__":
    small_graphs()
    slow_graph()
    network_graph()
    graphs_with_external_data()
    tiny_set()
