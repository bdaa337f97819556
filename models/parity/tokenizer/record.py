"""Records what transformers' CLIPTokenizer makes of difficult prompts, for the tokenizer's tests.

Writes three small tokenizer folders (as Stable Diffusion 1 has it, as 2 has it, and with
tokenizer.json) and goldens.json beside this file.

Usage: python models/parity/tokenizer/record.py    (needs transformers)
"""

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path

import transformers
from transformers import CLIPTokenizer

HERE = Path(__file__).parent
START, END = "<|startoftext|>", "<|endoftext|>"
MERGES = 160

# What the merges are learned from: enough to have common pieces, too little to have most words.
CORPUS = """
a photograph of an astronaut riding a horse on the moon in the style of an oil painting with
dramatic lighting and a detailed background the red circle is moving to the right over a blue
square while the green triangle is turning slowly a person walking through the forest at night
best quality highly detailed masterpiece trending sharp focus low quality worst hands missing
fingers cropped blurry it's don't we're they've i'm she'll he'd café naïve über straße
"""

PROMPTS = [
    "",
    " ",
    "a photograph of an astronaut riding a horse",
    "A Photograph Of An ASTRONAUT",
    "  spaces \t and\n\nnew lines   everywhere \r\n",
    "no-break\u00a0space, ideographic\u3000space, next\u0085line, zero\u200bwidth, \ufeffmark",
    "xylophone quizzical zebra",
    "(masterpiece:1.2), best-quality... [blurry]!!! {a|b}",
    "wow! really!? yes!",
    "it's don't we're they've i'm she'll he'd IT'S O'Clock rock'n'roll",
    "1234567890 3.14 10% ½ ² ٣",
    "café naïve Über STRAßE İstanbul",
    "cafe\u0301 A\u030angstro\u0308m",
    "ΟΔΟΣ Σίσυφος",
    "лес ночью 夜の森 숲 غابة",
    "a cat 🐱 and a family 👨‍👩‍👧 flag 🇯🇵 ❤️",
    "math ∑∫≠ 𝔸𝔹 ﬁne",
    "under_score snake_case CamelCase",
    "<|endoftext|> inside <|startoftext|> text",
    "<|ENDOFTEXT|> </w> <w>",
    "control \x00 \x07 \x7f characters",
    "a",
    "!",
    "!!",
    "word " * 75,
    "word " * 76,
    "word " * 200,
    "longwordwithoutanyspaces" * 20,
    ", ".join(["best quality", "highly detailed"] * 20),
    "quote \"double\" 'single' `back` «guillemets» “curly” ‘curly’",
    "a/b\\c~d@e#f$g%h^i&j*k+l=m|n;o:p?q<r>s",
]


def byte_symbols():
    """The 256 printable characters that stand for bytes, in the order of CLIP's vocabulary."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    order = [*printable, *others]
    characters = [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(others))]
    return characters, dict(zip(order, characters, strict=True))


def learn_merges():
    """Byte-pair encoding of the corpus; ties go to the alphabetically first pair."""
    _, by_byte = byte_symbols()
    words = [[by_byte[byte] for byte in word.encode()] for word in CORPUS.split()]
    words = [[*word[:-1], word[-1] + "</w>"] for word in words]
    merges = []
    while len(merges) < MERGES:
        pairs = Counter(pair for word in words for pair in pairwise(word))
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        words = [join(word, best) for word in words]
    return merges


def join(word, pair):
    out = []
    for symbol in word:
        if out and (out[-1], symbol) == pair:
            out[-1] = "".join(pair)
        else:
            out.append(symbol)
    return out


def write_folder(name, vocabulary, merges, pad):
    """The files that Stable Diffusion's own folders have."""
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    token = dict(lstrip=False, normalized=True, rstrip=False, single_word=False)
    begin, end = dict(content=START, **token), dict(content=END, **token)
    special = dict(bos_token=begin, eos_token=end, pad_token=pad, unk_token=end)
    config = dict(
        add_prefix_space=False,
        bos_token=dict(__type="AddedToken", **begin),
        do_lower_case=True,
        eos_token=dict(__type="AddedToken", **end),
        errors="replace",
        model_max_length=77,
        pad_token=END,
        tokenizer_class="CLIPTokenizer",
        unk_token=dict(__type="AddedToken", **end),
    )
    lines = ["#version: 0.2", *(" ".join(merge) for merge in merges)]
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False))
    (folder / "merges.txt").write_text("\n".join(lines) + "\n")
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    return CLIPTokenizer.from_pretrained(folder)


def record(tokenizer):
    return [
        tokenizer(
            prompt, padding="max_length", truncation=True, max_length=77
        ).input_ids
        for prompt in PROMPTS
    ]


def main():
    characters, _ = byte_symbols()
    merges = learn_merges()
    symbols = [*characters, *(c + "</w>" for c in characters), *("".join(m) for m in merges)]
    vocabulary = {symbol: index for index, symbol in enumerate([*symbols, START, END])}
    first = write_folder("sd1", vocabulary, merges, END)
    second = write_folder("sd2", vocabulary, merges, "!")
    first.save_pretrained(HERE / "saved")
    goldens = {
        "transformers": transformers.__version__,
        "prompts": PROMPTS,
        "ids": {"sd1": record(first), "sd2": record(second)},
    }
    goldens["ids"]["saved"] = record(CLIPTokenizer.from_pretrained(HERE / "saved"))
    (HERE / "goldens.json").write_text(json.dumps(goldens) + "\n")


if __name__ == "__main__":
    main()
