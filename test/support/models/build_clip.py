"""Builds the tiny CLIP that tests run, with random weights, and what transformers says of some pictures and texts with it.

The files are committed; run this to make them again.

Usage: python test/support/models/build_clip.py    (needs torch, transformers, pillow and the onnx package)
"""

import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPTokenizer

FOLDER = Path(__file__).parent / "tiny-clip"
TOKENIZER = Path(__file__).parents[3] / "models/demo/image/tokenizer"
TEXTS = ["a red square", "a green star moving right on a white background", ""]
SIZES = [(48, 40), (64, 96), (200, 150)]


def picture(width, height, frame):
    """The same ramps as in clip-model.test.ts."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    channels = [(5 * x + 40 * frame) % 256, (3 * y + x) % 256, (2 * x + 7 * y + 90 * frame) % 256]
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))


def tiny_clip(tokenizer):
    torch.manual_seed(7)
    end = tokenizer.eos_token_id
    text = dict(vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=1)
    text |= dict(num_attention_heads=2, eos_token_id=end, bos_token_id=end - 1, pad_token_id=end)
    vision = dict(hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2)
    vision |= dict(image_size=32, patch_size=8)
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=8)
    config._attn_implementation = "eager"
    model = CLIPModel(config).eval()
    with torch.no_grad():
        # As wide as in trained models: with what it begins with, all pictures are alike.
        for name, weight in model.named_parameters():
            if weight.ndim > 1:
                weight.mul_(10)
    return model


class Exported(torch.nn.Module):
    """Inputs and outputs as optimum names them."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, pixel_values, attention_mask):
        made = self.model(
            input_ids=input_ids, pixel_values=pixel_values, attention_mask=attention_mask
        )
        return made.logits_per_image, made.logits_per_text, made.text_embeds, made.image_embeds


def main():
    FOLDER.mkdir(exist_ok=True)
    tokenizer = CLIPTokenizer.from_pretrained(TOKENIZER)
    model = tiny_clip(tokenizer)
    processor = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=32)
    processor.save_pretrained(FOLDER)
    ids = tokenizer(TEXTS, padding="max_length", max_length=77, return_tensors="pt")
    pictures = {size: [picture(*size, frame) for frame in range(3)] for size in SIZES}
    expected = []
    with torch.no_grad():
        for (width, height), frames in pictures.items():
            pixels = processor(frames, return_tensors="pt").pixel_values
            made = model(**ids, pixel_values=pixels)
            images, texts = made.image_embeds, made.text_embeds
            expected.append(
                {
                    "width": width,
                    "height": height,
                    "pairs": [float(images[i] @ images[i + 1]) for i in range(2)],
                    "texts": (texts @ images.T).tolist(),
                }
            )
    torch.onnx.export(
        Exported(model),
        (ids.input_ids, pixels, ids.attention_mask),
        FOLDER / "model.onnx",
        input_names=["input_ids", "pixel_values", "attention_mask"],
        output_names=["logits_per_image", "logits_per_text", "text_embeds", "image_embeds"],
        dynamic_axes={
            "input_ids": {0: "texts"},
            "pixel_values": {0: "images"},
            "attention_mask": {0: "texts"},
        },
        opset_version=18,
        dynamo=False,
    )
    (FOLDER / "expected.json").write_text(
        json.dumps({"texts": TEXTS, "expected": expected}, indent=2) + "\n"
    )


if __name__ == "__main__":
    main()
