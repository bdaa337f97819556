"""A real CLIP tokenizer with a small vocabulary: every caption word is one token.

The layout is CLIP's: 256 byte symbols, the same 256 ending a word, the merges, the two special
tokens. Words outside the captions still tokenise, into bytes. The merges are learned from the
caption words by byte-pair encoding, so applying them in order always rebuilds each word.
"""

import json
from collections import Counter
from functools import cache
from itertools import pairwise

from transformers import CLIPTokenizer

from . import data

LENGTH = 77
START, END = "<|startoftext|>", "<|endoftext|>"
WORD_END = "</w>"


def caption_words():
    """Every word that a caption can hold, in a fixed order."""
    tables = (data.COLORS, data.SHAPES, data.DIRECTIONS, data.BACKGROUNDS)
    return ["a", "moving", "on", "background", *(word for table in tables for word in table)]


def byte_symbols():
    """The 256 printable characters that stand for bytes in CLIP's and GPT-2's vocabularies."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(others))]


@cache
def learn_merges():
    """Pairs of symbols to join, in order of rank; ties go to the alphabetically first pair."""
    spelled = [[*word[:-1], word[-1] + WORD_END] for word in caption_words()]
    merges = []
    while any(len(word) > 1 for word in spelled):
        pairs = Counter(pair for word in spelled for pair in pairwise(word))
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        spelled = [_join(word, best) for word in spelled]
    return tuple(merges)


@cache
def vocabulary():
    """Symbol to id, in CLIP's order."""
    symbols = byte_symbols()
    whole = [*symbols, *(s + WORD_END for s in symbols), *("".join(m) for m in learn_merges())]
    return {symbol: index for index, symbol in enumerate([*whole, START, END])}


def save_tokenizer(folder):
    """Writes vocab.json, merges.txt, tokenizer.json and both config files."""
    folder.mkdir(parents=True, exist_ok=True)
    merges = [" ".join(pair) for pair in learn_merges()]
    tokenizer = CLIPTokenizer(
        vocab=vocabulary(),
        merges=[tuple(m.split()) for m in merges],
        bos_token=START,
        eos_token=END,
        unk_token=END,
        pad_token=END,
        model_max_length=LENGTH,
    )
    tokenizer.save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps(vocabulary(), ensure_ascii=False))
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n")
    special = dict.fromkeys(("bos_token", "eos_token", "unk_token", "pad_token"), END)
    special["bos_token"] = START
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2) + "\n")


@cache
def token_ids(caption):
    """Ids of a caption made of caption words (or of the empty one): start, words, end, padding."""
    words = [vocabulary()[word + WORD_END] for word in caption.split()]
    return (START_ID, *words, *[END_ID] * (LENGTH - 1 - len(words)))


def _join(word, pair):
    joined, at = [], 0
    while at < len(word):
        if tuple(word[at : at + 2]) == pair:
            joined.append("".join(pair))
            at += 2
        else:
            joined.append(word[at])
            at += 1
    return joined


VOCABULARY_SIZE = len(vocabulary())
START_ID, END_ID = VOCABULARY_SIZE - 2, VOCABULARY_SIZE - 1
