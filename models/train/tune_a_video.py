"""Tunes an image UNet on one clip (Tune-A-Video, arXiv 2212.11565)."""

import torch
from torch.nn import functional

from video.tune_a_video import TuneAVideoUnet, is_tuned


def tune(image_unet, clip, text, scheduler, plan):
    """A TuneAVideoUnet over `image_unet` that has seen `clip` (1, 4, F, h, w), scaled latents, at all
    times of `scheduler`, told `text` (1, 77, D). Of `plan` count steps, rate and seed."""
    torch.manual_seed(plan.seed)
    model = TuneAVideoUnet(image_unet).train().requires_grad_(False)
    # The norm before the attention over time stays what it is, as in the method's code.
    tuned = [
        weight
        for name, weight in model.named_parameters()
        if is_tuned(name) and ".norm_temp." not in name
    ]
    optimizer = torch.optim.AdamW(
        [weight.requires_grad_() for weight in tuned], lr=plan.rate, weight_decay=plan.weight_decay
    )
    for step in range(plan.steps):
        time = torch.randint(scheduler.config.num_train_timesteps, (1,))
        noise = torch.randn_like(clip)
        predicted = model(scheduler.add_noise(clip, noise, time), time[0], text).sample
        loss = functional.mse_loss(predicted, noise)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(tuned, 1.0)
        optimizer.step()
        if (step + 1) % 50 == 0:
            print(f"step {step + 1} of {plan.steps}: loss {loss.item():.4f}", flush=True)
    return model.eval().requires_grad_(False)
