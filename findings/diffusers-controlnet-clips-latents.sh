#!/usr/bin/env bash
# diffusers 0.42.1: whether DDIM cuts latents to -1..1 depends on which pipeline opened the scheduler, and on when.
#
# Guess: with the same parts and the same scheduler config, a ControlNet at scale 0 draws what the plain pipeline draws.
# Seen: clip_sample is true unless a config says otherwise, as one that a scheduler of another class (Euler here) saved does not. StableDiffusionPipeline
# turns it off as it is made, even where the file says true; StableDiffusionControlNetPipeline leaves it, and so draws with latents cut at every step.
# DDIM that is put into the plain pipeline afterwards, by from_config as the guides have it, cuts too. Where it cuts, nothing is said.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check diffusers==0.42.1 transformers==5.23.0 torch==2.13.0 numpy==2.4.6
cat > run.py <<'PY'
import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    DDIMScheduler,
    EulerDiscreteScheduler,
    StableDiffusionControlNetPipeline,
    StableDiffusionPipeline,
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
net = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(16, 32))
text = torch.randn(1, 4, 32)
noise = 3 * torch.randn(1, 4, 8, 8)


def largest(pipe, **more):
    pipe.set_progress_bar_config(disable=True)
    drawn = pipe(
        prompt_embeds=text,
        negative_prompt_embeds=torch.zeros(1, 4, 32),
        latents=noise,
        height=16,
        width=16,
        num_inference_steps=10,
        guidance_scale=1.0,
        output_type="latent",
        **more,
    ).images
    return "within -1 to 1" if drawn.abs().max() <= 1 else "beyond 1"


def plain(scheduler):
    return StableDiffusionPipeline(scheduler=scheduler, **parts)


def say(what, pipe, **more):
    print(f"{what}: clip_sample {pipe.scheduler.config.get('clip_sample')}, latents {largest(pipe, **more)}")


# A file without the key, as a scheduler of another class saves it.
saved = EulerDiscreteScheduler().config
say("text to image, opened", plain(DDIMScheduler.from_config(saved)))
say("text to image, opened, true in the file", plain(DDIMScheduler(clip_sample=True)))
swapped = plain(EulerDiscreteScheduler())
swapped.scheduler = DDIMScheduler.from_config(swapped.scheduler.config)
say("text to image, DDIM put in later", swapped)
control = StableDiffusionControlNetPipeline(scheduler=DDIMScheduler.from_config(saved), controlnet=net, **parts)
say("ControlNet of scale 0, opened", control, image=torch.zeros(1, 3, 16, 16), controlnet_conditioning_scale=0.0)
PY
env/bin/python run.py 2> errors.txt | tee seen.txt || { cat errors.txt; exit 1; }
diff seen.txt - <<'SEEN'
text to image, opened: clip_sample False, latents beyond 1
text to image, opened, true in the file: clip_sample False, latents beyond 1
text to image, DDIM put in later: clip_sample True, latents within -1 to 1
ControlNet of scale 0, opened: clip_sample True, latents within -1 to 1
SEEN
echo 'as it was'
