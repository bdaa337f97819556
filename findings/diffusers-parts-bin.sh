#!/usr/bin/env bash
# diffusers 0.42.1 (torch 2.13.0): weights that it saves as `.bin` in parts are not found when it loads the folder, unless it is told that they are `.bin`.
#
# Guess: `from_pretrained` of a folder that `save_pretrained` wrote needs no further word, as with `.bin` in one file.
# Seen: one `.bin` loads by itself. In parts it ends in an OSError that names a file that was never to be there, although the index lies beside
# the parts; with `use_safetensors=False` the same folder loads.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check diffusers==0.42.1 torch==2.13.0 accelerate==1.15.0 transformers==5.23.0
cat > run.py <<'PY'
import re

from diffusers import AutoencoderKL

model = AutoencoderKL(
    block_out_channels=(32, 32),
    down_block_types=("DownEncoderBlock2D",) * 2,
    up_block_types=("UpDecoderBlock2D",) * 2,
    norm_num_groups=8,
)
for name, size in (("one", "1GB"), ("parts", "300KB")):
    model.save_pretrained(name, safe_serialization=False, max_shard_size=size)
    for told in ({}, {"use_safetensors": False}):
        try:
            AutoencoderKL.from_pretrained(name, **told)
            end = "loads"
        except OSError as error:
            end = f"OSError, no file named {re.search(r'named (\S+) found', str(error))[1]}"
        print(name, told, end)
PY
HF_HUB_OFFLINE=1 env/bin/python run.py 2> told.txt | tee seen.txt
diff seen.txt - <<'SEEN'
one {} loads
one {'use_safetensors': False} loads
parts {} OSError, no file named diffusion_pytorch_model.bin
parts {'use_safetensors': False} loads
SEEN
echo 'as it was'
