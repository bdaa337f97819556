#!/usr/bin/env bash
# diffusers 0.42.1 (torch 2.13.0): the names that attention had in early published VAEs are translated in weights of one file, not in weights in parts.
#
# Guess: whether a VAE's weights lie in one file or in parts makes no difference to what is loaded, as the index only tells where each lies; or an error.
# Seen: from one file with `query`, `key`, `value` and `proj_attn` all 120 tensors are as they were saved. From the same in two parts `from_pretrained`
# returns a model all the same, with a warning that some weights are newly initialized: 104 tensors are as saved, and the 16 of both attention
# blocks have no values at all (they are on torch's meta device).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check diffusers==0.42.1 torch==2.13.0 accelerate==1.15.0 transformers==5.23.0
cat > run.py <<'PY'
import json
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from safetensors.torch import load_file, save_file

EARLY = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
NAME = "diffusion_pytorch_model"

torch.manual_seed(0)
AutoencoderKL(
    block_out_channels=(32, 32),
    down_block_types=("DownEncoderBlock2D",) * 2,
    up_block_types=("UpDecoderBlock2D",) * 2,
    norm_num_groups=8,
).save_pretrained("saved")
saved = load_file(f"saved/{NAME}.safetensors")


def early(name):
    for new, old in EARLY.items():
        name = name.replace(new, old) if "attentions" in name else name
    return name


named = {early(name): tensor for name, tensor in saved.items()}
for parts in (1, 2):
    folder = Path(f"in-{parts}")
    folder.mkdir()
    (folder / "config.json").write_text(Path("saved/config.json").read_text())
    places = {}
    for part in range(parts):
        end = "" if parts == 1 else f"-{part + 1:05}-of-{parts:05}"
        file = f"{NAME}{end}.safetensors"
        own = {name: named[name] for name in sorted(named)[part::parts]}
        save_file(own, folder / file, {"format": "pt"})
        places.update(dict.fromkeys(own, file))
    if parts > 1:
        index = {"metadata": {}, "weight_map": places}
        (folder / f"{NAME}.safetensors.index.json").write_text(json.dumps(index))
    loaded = AutoencoderKL.from_pretrained(folder).state_dict()
    empty = [name for name, tensor in loaded.items() if tensor.is_meta]
    equal = [name for name in saved if name not in empty and torch.equal(loaded[name], saved[name])]
    kinds = sorted({name.split(".")[-2] for name in empty})
    print(f"files: {parts}, equal: {len(equal)}, without values: {len(empty)} {kinds}")
PY
HF_HUB_OFFLINE=1 env/bin/python run.py 2> told.txt | tee seen.txt
diff seen.txt - <<'SEEN'
files: 1, equal: 120, without values: 0 []
files: 2, equal: 104, without values: 16 ['0', 'to_k', 'to_q', 'to_v']
SEEN
grep -q 'newly initialized' told.txt
echo 'as it was'
