#!/usr/bin/env bash
# @huggingface/transformers 4.3.2 (JavaScript) beside tokenizers 0.23.1 (Python, Rust), by one tokenizer.json: of a text that is cut to
# `max_length`, the JavaScript one cuts the end token off.
#
# Guess: both cut the text and keep room for the tokens around it, as CLIP's text encoders want it: what they say of a text is read at its end token.
# Seen: the Rust library keeps the end token; the JavaScript one puts start and end around the whole text first, and then takes so many from the
# left. Shorter texts are equal, so a prompt shows nothing of it until it is too long.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --ignore-scripts --no-audit --no-fund --silent @huggingface/transformers@4.3.2
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check tokenizers==0.23.1
cat > run.mjs <<'JS'
import { writeFileSync } from 'node:fs';

import { CLIPTokenizer } from '@huggingface/transformers';

const [START, END] = ['<|startoftext|>', '<|endoftext|>'];
const letters = [...'abcdefg'];
const words = [...letters, ...letters.map((letter) => `${letter}</w>`), START, END];
const vocab = Object.fromEntries(words.map((word, id) => [word, id]));
const json = {
  version: '1.0',
  truncation: null,
  padding: null,
  added_tokens: [START, END].map((content) => ({
    ...{ id: vocab[content], content, special: true },
    ...{ single_word: false, lstrip: false, rstrip: false, normalized: false },
  })),
  normalizer: { type: 'Lowercase' },
  pre_tokenizer: { type: 'Whitespace' },
  post_processor: {
    ...{ type: 'RobertaProcessing', trim_offsets: false, add_prefix_space: false },
    ...{ cls: [START, vocab[START]], sep: [END, vocab[END]] },
  },
  decoder: null,
  model: {
    ...{ type: 'BPE', dropout: null, unk_token: END, continuing_subword_prefix: '' },
    ...{ end_of_word_suffix: '</w>', fuse_unk: false, byte_fallback: false, vocab, merges: [] },
  },
};
writeFileSync('tokenizer.json', JSON.stringify(json));
const tokenizer = new CLIPTokenizer(json, { bos_token: START, eos_token: END, pad_token: END, unk_token: END });
for (const text of ['a b', 'a b c d e f g']) {
  const { input_ids } = tokenizer(text, { truncation: true, max_length: 6, return_tensor: false });
  console.log('JavaScript:', input_ids.map((id) => words[id]).join(' '));
}
JS
cat > run.py <<'PY'
from tokenizers import Tokenizer

tokenizer = Tokenizer.from_file("tokenizer.json")
tokenizer.enable_truncation(6)
for text in ("a b", "a b c d e f g"):
    print("Rust:", *tokenizer.encode(text).tokens)
PY
{ node run.mjs; venv/bin/python run.py; } > seen.txt
cat seen.txt
diff seen.txt - <<'SEEN'
JavaScript: <|startoftext|> a</w> b</w> <|endoftext|>
JavaScript: <|startoftext|> a</w> b</w> c</w> d</w> e</w>
Rust: <|startoftext|> a</w> b</w> <|endoftext|>
Rust: <|startoftext|> a</w> b</w> c</w> d</w> <|endoftext|>
SEEN
echo 'as it was'
