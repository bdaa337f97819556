"""`python -m parity.prompt2prompt`, from models/: records what Prompt-to-Prompt (arXiv 2208.01626) draws
of an inverted clip, for the tests of the TypeScript side.

The formulas of the paper's code as diffusers has them (examples/community/pipeline_prompt2prompt.py),
over diffusers' own UNet: one frame at a time, the source's prompt and the edited one in one batch,
attention changed by processors between softmax and values. Shares no code with the exporter. In one
point it is not theirs: where a replaced word has another number of tokens, the words after it follow
their own counterparts (there, whatever stands at the same position).

Writes goldens/prompt2prompt.safetensors: noise (F, 4, h, w) of the inverted source, and for each edit
the latents of its last step (F, 4, h, w); and prompt2prompt.json, which says what was asked for.
"""

import argparse
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn import functional

from train import data

from .goldens import HERE
from .reference import Reference

TOKENS = 77
SELF_POSITIONS_MAX = 16 * 16
STEPS, GUIDANCE, NEGATIVE = 50, 3.0, ""
CLIP, FRAMES = 2000, 2  # of the held-out split


@dataclass(frozen=True)
class Edit:
    """What is asked for. `kind` is replace or refine; `weights` are those of words of `prompt`;
    `blend` are words whose places alone may change."""

    source: str
    prompt: str
    kind: str = "replace"
    weights: dict = field(default_factory=dict)
    blend: tuple = ()
    cross_replace: float = 0.4
    self_replace: float = 0.4
    threshold: float = 0.3
    source_guidance: float = GUIDANCE


def main():
    parser = argparse.ArgumentParser(prog="python -m parity.prompt2prompt", description=__doc__)
    parser.add_argument("--folder", type=Path, default=HERE.parent / "demo")
    options = parser.parse_args()
    reference = Reference(options.folder, STEPS)
    clip = data.draw("held-out", CLIP)
    noise = invert(reference, clip.frames[:FRAMES], NEGATIVE)
    kept = dict(noise=noise.contiguous())
    edits = recorded_edits(clip.spec)
    for name, edit in edits.items():
        kept[name] = draw(reference, noise, edit, NEGATIVE, GUIDANCE)[:, 1].contiguous()
    save_file(kept, HERE / "goldens" / "prompt2prompt.safetensors")
    asked = {name: asdict(edit) for name, edit in edits.items()}
    about = dict(steps=STEPS, guidanceScale=GUIDANCE, negativePrompt=NEGATIVE, edits=asked)
    (HERE / "goldens" / "prompt2prompt.json").write_text(json.dumps(about, indent=2) + "\n")


def recorded_edits(said):
    color = "yellow" if said.color != "yellow" else "red"
    other = data.Spec(color, said.shape, said.direction, said.background).caption
    source = said.caption
    with_words = source.replace(said.shape, f"very large {said.shape}").replace("a ", "one ", 1)
    return dict(
        replace=Edit(source, other),
        # The new word has several tokens, so all words after it move on.
        replace_longer=Edit(source, source.replace(said.shape, "hexagonal"), self_replace=0.2),
        refine=Edit(source, with_words, "refine", cross_replace=0.8),
        reweight=Edit(source, source, weights={said.color: -1.5, said.background: 3.0}),
        refine_reweight=Edit(source, with_words, "refine", weights={"large": 4.0, said.color: 0.5}),
        blend=Edit(source, other, blend=(said.shape,), threshold=0.8),
        unguided_source=Edit(source, other, blend=(said.shape,), threshold=0.9, source_guidance=1.0),
    )


@torch.no_grad()
def invert(reference, frames, prompt, scope="frame"):
    """Noise (F, 4, h, w) of frames, uint8 (F, H, W, 3)."""
    parameters = reference.encode(frames)
    latents = parameters.chunk(2, dim=1)[0] * reference.vae.config.scaling_factor
    return reference.invert_image(latents, prompt, scope=scope)


@torch.no_grad()
def draw(reference, noise, edit, negative, guidance):
    """Latents (F, 2, 4, h, w), of the source as it is drawn and of the edit, from (F, 4, h, w)."""
    return torch.stack([_draw_frame(reference, one, edit, negative, guidance) for one in noise])


def _draw_frame(reference, noise, edit, negative, guidance):
    text = torch.cat([reference.text(p) for p in (negative, negative, edit.source, edit.prompt)])
    unet, scheduler = reference.unet, reference.scheduler
    steps = len(scheduler.timesteps)
    controller = Controller(edit, reference.text.tokenizer, steps)
    before = unet.attn_processors
    unet.set_attn_processor(
        {name: Processor(controller, name) for name in before},
    )
    latents = noise.repeat(2, 1, 1, 1)
    for time in scheduler.timesteps:
        without, told = unet(latents.repeat(2, 1, 1, 1), time, text).sample.chunk(2)
        scales = torch.tensor([edit.source_guidance, guidance])[:, None, None, None]
        predicted = without + scales * (told - without)
        latents = scheduler.step(predicted, time, latents).prev_sample
        latents = controller.after_step(latents)
    unet.set_attn_processor(before)
    return latents


class Processor:
    """diffusers' plain attention, its probabilities shown to the controller before they are used."""

    def __init__(self, controller, name):
        self.controller, self.name = controller, name

    def __call__(
        self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, **kwargs
    ):
        is_cross = encoder_hidden_states is not None
        seen = encoder_hidden_states if is_cross else hidden_states
        query = attn.head_to_batch_dim(attn.to_q(hidden_states))
        key = attn.head_to_batch_dim(attn.to_k(seen))
        value = attn.head_to_batch_dim(attn.to_v(seen))
        probabilities = attn.get_attention_scores(query, key)
        half = len(probabilities) // 2
        told = probabilities[half:].reshape(2, attn.heads, *probabilities.shape[1:])
        self.controller(told[0], told[1], is_cross, self.name)
        out = attn.batch_to_head_dim(torch.bmm(probabilities, value))
        return attn.to_out[1](attn.to_out[0](out))


class Controller:
    """Changes the edit's attention in place, step by step, and keeps the maps of the blend."""

    def __init__(self, edit, tokenizer, steps):
        self.edit, self.step = edit, 0
        align = replacement if edit.kind == "replace" else refinement
        # (77, 77) and (77,): what a token of the edit takes from the source's, and whether it does.
        self.mapper, self.alphas = align(edit.source, edit.prompt, tokenizer)
        self.equalizer = torch.ones(TOKENS)
        for word, weight in edit.weights.items():
            self.equalizer[word_places(edit.prompt, word, tokenizer)] = weight
        self.cross_steps = int(edit.cross_replace * (steps + 1))
        self.self_steps = int(edit.self_replace * steps)
        self.blended = torch.zeros(2, TOKENS)
        for row, prompt in zip(self.blended, (edit.source, edit.prompt), strict=True):
            for word in edit.blend:
                row[word_places(prompt, word, tokenizer)] = 1
        self.total, self.maps = 0, []

    def __call__(self, source, edited, is_cross, name):
        if is_cross and self.step < self.cross_steps:
            taken = torch.einsum("hpw,wn->hpn", source, self.mapper)
            mixed = taken * self.alphas + edited * (1 - self.alphas)
            edited.copy_(mixed * self.equalizer)
        is_small = source.shape[-1] <= SELF_POSITIONS_MAX
        if not is_cross and is_small and self.step < self.self_steps:
            edited.copy_(source)
        # The deepest layers before and after the middle.
        if is_cross and name.startswith(("down_blocks.1.", "up_blocks.1.")):
            self.maps.append(torch.stack([source, edited]))

    def after_step(self, latents):
        """Latents (2, 4, h, w) of source and edit."""
        self.step += 1
        seen = torch.stack([maps.mean(1) for maps in self.maps]).mean(0)
        self.maps = []
        self.total = self.total + seen
        if not self.edit.blend:
            return latents
        shares = (self.total * self.blended[:, None]).sum(-1)
        side = int(shares.shape[-1] ** 0.5)
        grid = functional.max_pool2d(shares.reshape(2, 1, side, side), 3, 1, padding=1)
        grid = functional.interpolate(grid, size=latents.shape[2:])
        mask = (grid / grid.amax((2, 3), keepdim=True)).gt(self.edit.threshold)
        mask = (mask[:1] | mask[1:]).float()
        return latents[:1] + mask * (latents - latents[:1])


def replacement(source, prompt, tokenizer):
    """Word by word: equal words follow each other, as do those that differ."""
    ours, theirs = source.split(" "), prompt.split(" ")
    assert len(ours) == len(theirs), "replace needs as many words"
    mapper = torch.zeros(TOKENS, TOKENS)
    i = j = 1
    mapper[0, 0] = 1
    for a, b in zip(ours, theirs, strict=True):
        from_, to = len(_pieces(a, tokenizer)), len(_pieces(b, tokenizer))
        if from_ == to:
            mapper[range(i, i + from_), range(j, j + to)] = 1
        else:
            mapper[i : i + from_, j : j + to] = 1 / to
        i, j = i + from_, j + to
    for place in range(j, TOKENS):
        mapper[min(i + place - j, TOKENS - 1), place] = 1
    return mapper, torch.ones(TOKENS)


def refinement(source, prompt, tokenizer):
    """Token by token, by Needleman and Wunsch: 1 for a match, -1 for a mismatch, 0 for a gap."""
    x, y = tokenizer.encode(source), tokenizer.encode(prompt)
    score = torch.zeros(len(x) + 1, len(y) + 1, dtype=torch.int64)
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            both = score[i - 1, j - 1] + (1 if x[i - 1] == y[j - 1] else -1)
            score[i, j] = max(score[i, j - 1], score[i - 1, j], both)
    mapper, alphas = torch.zeros(TOKENS, TOKENS), torch.zeros(TOKENS)
    i, j = len(x), len(y)
    while i > 0 and j > 0:
        if score[i, j] == score[i, j - 1]:
            j -= 1
        elif score[i, j] == score[i - 1, j]:
            i -= 1
        else:
            i, j = i - 1, j - 1
            mapper[i, j] = alphas[j] = 1
    rest = range(len(y), TOKENS)
    mapper[rest, rest] = alphas[rest] = 1
    return mapper, alphas


def word_places(prompt, wanted, tokenizer):
    """Positions of the tokens of a word, wherever it stands in the prompt."""
    places, at = [], 1
    for word in prompt.split(" "):
        count = len(_pieces(word, tokenizer))
        if word == wanted:
            places += range(at, at + count)
        at += count
    return places


def _pieces(word, tokenizer):
    return tokenizer.encode(word)[1:-1]


if __name__ == "__main__":
    main()
