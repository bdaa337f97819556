"""Records what transformers' CLIPTokenizer makes of 2,000 prompts at random, in many.json: of each the first 12 digits
of the SHA-256 of its ids (decimal, joined by commas). The folders are those of record.py.

Usage: python models/parity/tokenizer/many.py    (needs transformers)
"""

import hashlib
import json
import random

import transformers
from transformers import CLIPTokenizer

from record import CORPUS, HERE, PROMPTS

COUNT, SEED = 2000, 20240229
FOLDERS = ("sd1", "sd2", "saved")
WORDS = CORPUS.split()
MARKS = [*".,;:!?()[]{}<>|/\\@#$%^&*+=~`'\"_-", "...", "--", "'s", "'LL", "'t", "</w>", "<|endoftext|>"]
SPACES = [" ", " ", " ", " ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000", "\u200b", "\u2028", ""]
# First and last code point. Of some scripts letters join, marks combine or digits are not 0 to 9.
SCRIPTS = {
    "latin": (0x00A1, 0x024F),
    "combining": (0x0300, 0x036F),
    "greek": (0x0370, 0x03FF),
    "cyrillic": (0x0400, 0x04FF),
    "armenian": (0x0531, 0x0587),
    "hebrew": (0x05B0, 0x05EA),
    "arabic": (0x0600, 0x06FF),
    "devanagari": (0x0900, 0x097F),
    "thai": (0x0E01, 0x0E5B),
    "georgian": (0x10A0, 0x10FF),
    "extended greek": (0x1F00, 0x1FFF),
    "punctuation": (0x2000, 0x206F),
    "letterlike": (0x2100, 0x218F),
    "mathematics": (0x2200, 0x22FF),
    "kana": (0x3040, 0x30FF),
    "han": (0x4E00, 0x9FFF),
    "hangul": (0xAC00, 0xD7A3),
    "compatibility": (0xF900, 0xFAFF),
    "presentation": (0xFB00, 0xFDFF),
    "full width": (0xFF00, 0xFFEF),
    "deseret": (0x10400, 0x1044F),
    "mathematical letters": (0x1D400, 0x1D7FF),
    "pictures": (0x1F300, 0x1FAFF),
    "anything": (0x0001, 0xD7FF),
}


def prompts():
    chance = random.Random(SEED)
    made = list(PROMPTS)
    while len(made) < COUNT:
        parts = chance.randint(1, 30)
        made.append("".join(part(chance) + chance.choice(SPACES) for _ in range(parts)))
    return made


def part(chance):
    kind = chance.random()
    if kind < 0.5:
        word = chance.choice(WORDS)
        return chance.choice([word, word, word, word.upper(), word.title()])
    if kind < 0.65:
        return chance.choice(MARKS) * chance.choice([1, 1, 1, 2, 5])
    if kind < 0.75:
        return str(chance.randint(0, 10 ** chance.randint(1, 9)))
    first, last = SCRIPTS[chance.choice(sorted(SCRIPTS))]
    return "".join(chr(chance.randint(first, last)) for _ in range(chance.randint(1, 6)))


def digest(ids):
    return hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()[:12]


def main():
    made = prompts()
    digests = {}
    for name in FOLDERS:
        tokenizer = CLIPTokenizer.from_pretrained(HERE / name)
        whole = dict(padding="max_length", truncation=True, max_length=77)
        digests[name] = [digest(tokenizer(prompt, **whole).input_ids) for prompt in made]
    said = {"transformers": transformers.__version__, "prompts": made, "digests": digests}
    (HERE / "many.json").write_text(json.dumps(said, ensure_ascii=False, indent=0) + "\n")


if __name__ == "__main__":
    main()
