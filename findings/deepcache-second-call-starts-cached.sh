#!/usr/bin/env bash
# DeepCache 0.1.1 (PyPI, its helper for Stable Diffusion) with diffusers 0.42.1: what an image-to-image call gives depends on the call before.
#
# Guess: a call begins by running the whole UNet, whatever came before; every third run after that is whole, and the two between use its features.
# Seen: the helper counts from the place that the first call ever began at in the list of timesteps. A call of strength 0.5 begins at place 5 of 10; after
# one of strength 1, which began at 0, that is no multiple of 3, so its first run takes features of the other picture. The same call on the same picture
# gives something else than alone, with no word of it; `disable` and `enable` in between mend it. And with Heun's sampler, in whose list of timesteps all
# but the first stand twice, a run counts as the first place of its timestep: whole ones come in pairs, of which the second renews what is a run old.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check DeepCache==0.1.1 diffusers==0.42.1 transformers==5.23.0 torch==2.13.0 numpy==2.4.6
cat > run.py <<'PY'
import torch
from DeepCache import DeepCacheSDHelper
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    HeunDiscreteScheduler,
    StableDiffusionImg2ImgPipeline,
    UNet2DConditionModel,
)

torch.manual_seed(0)
torch.set_num_threads(1)
unet = UNet2DConditionModel(
    sample_size=8,
    block_out_channels=(32, 64),
    down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
    up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    cross_attention_dim=32,
)
vae = AutoencoderKL(block_out_channels=[32], latent_channels=4)
parts = dict(vae=vae, unet=unet, text_encoder=None, tokenizer=None, safety_checker=None)
parts |= dict(feature_extractor=None, requires_safety_checker=False)
ddim = DDIMScheduler(clip_sample=False)
pipe = StableDiffusionImg2ImgPipeline(scheduler=ddim, **parts)
pipe.set_progress_bar_config(disable=True)
text = torch.randn(1, 4, 32)
one, other, third = (torch.rand(1, 3, 16, 16) for _ in range(3))
whole_runs = []
unet.mid_block.resnets[0].register_forward_pre_hook(lambda *_: whole_runs.append(runs[0]))
runs = [0]


def counted(*_):
    runs[0] += 1


unet.conv_in.register_forward_pre_hook(counted)


def draw(picture, strength):
    runs[0] = 0
    whole_runs.clear()
    return pipe(
        image=picture,
        strength=strength,
        prompt_embeds=text,
        negative_prompt_embeds=torch.zeros(1, 4, 32),
        num_inference_steps=10,
        guidance_scale=1.0,
        generator=torch.Generator().manual_seed(1),
        output_type="latent",
    ).images


helper = DeepCacheSDHelper(pipe=pipe)
helper.set_params(cache_interval=3, cache_branch_id=0)


def after(picture):
    helper.enable()
    if picture is not None:
        draw(picture, 1.0)
    drawn = draw(one, 0.5)
    helper.disable()
    return drawn, list(whole_runs)


def far(a, b):
    return "another picture" if (a - b).abs().max() > 0.1 else "the same" if a.equal(b) else "near"


(alone, first), (following, later), (again, _) = after(None), after(other), after(None)
print("alone: whole runs", first)
print("alone, once more:", far(again, alone))
print("after another picture: whole runs", later)
print("after another picture:", far(following, alone))
pipe.scheduler = HeunDiscreteScheduler()
helper.enable()
draw(one, 1.0)
print("heun: whole runs", whole_runs, "of", runs[0])
PY
env/bin/python run.py 2> errors.txt | tee seen.txt || { cat errors.txt; exit 1; }
diff seen.txt - <<'SEEN'
alone: whole runs [1, 4]
alone, once more: the same
after another picture: whole runs [2, 5]
after another picture: another picture
heun: whole runs [1, 4, 5, 10, 11, 16, 17] of 19
SEEN
echo 'as it was'
