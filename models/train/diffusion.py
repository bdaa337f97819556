"""What the three denoisers' trainings share: the latents, the captions, noising and the loss."""

import numpy as np
import torch
from transformers import CLIPTextModel

from . import data
from .architectures import scheduler
from .loop import train_dir
from .text import token_ids

STEPS = 1000
SNR_CEILING = 5.0
ALPHAS = scheduler().alphas_cumprod


class Latents:
    """The encoded training clips of `encode`."""

    def __init__(self):
        stored = torch.load(train_dir() / "latents.pt", weights_only=False)
        self.latents = stored["latents"]  # float16 (N, F, 4, h, w), scaled
        self.captions = stored["captions"]
        self._outlines = (stored["canny"], stored["edges"])

    def __len__(self):
        return len(self.latents)

    def frames(self, clips, frames):
        """One frame of each clip, float32 (B, 4, h, w)."""
        return self.latents[clips, frames].float()

    def controls(self, clips, frames):
        """Outlines of one frame of each clip, float32 (B, 3, H, W) of 0 and 1: by chance those of
        canny, which a user's control looks like, or those of the true mask."""
        kinds = torch.randint(len(self._outlines), (len(clips),))
        rows = zip(kinds.tolist(), clips.tolist(), frames.tolist(), strict=True)
        packed = np.stack([self._outlines[kind][clip, frame] for kind, clip, frame in rows])
        flat = torch.from_numpy(np.unpackbits(packed, axis=1)).float()
        return flat.view(len(clips), 1, data.SIZE, data.SIZE).repeat(1, 3, 1, 1)


def caption_batch(captions):
    """Token ids of captions, int64 (B, 77)."""
    return torch.tensor([token_ids(caption) for caption in captions])


class CaptionTable:
    """Embeddings of all captions by the trained, frozen text encoder."""

    def __init__(self, captions):
        encoder = CLIPTextModel.from_pretrained(train_dir() / "text_encoder").eval()
        known = ["", *sorted(set(captions))]
        with torch.no_grad():
            self.table = encoder(caption_batch(known)).last_hidden_state
        self.rows = {caption: row for row, caption in enumerate(known)}

    def __call__(self, captions, drop):
        """Embeddings (B, 77, D); a share `drop` of the captions counts as empty."""
        rows = torch.tensor([self.rows[caption] for caption in captions])
        rows[torch.rand(len(captions)) < drop] = self.rows[""]
        return self.table[rows]


def add_noise(latents, noise, times):
    """Latents at `times` (B,), for latents of any rank."""
    alphas = ALPHAS[times].view(-1, *[1] * (latents.dim() - 1))
    return alphas.sqrt() * latents + (1 - alphas).sqrt() * noise


def noise_loss(predicted, noise, times):
    """Squared error of the noise, with min-SNR weights: even over x0 at low noise."""
    return _weighted_loss(predicted, noise, times, lambda snr: snr)


def early_noise_loss(predicted, noise, times, power=0.5):
    """The same, but at high noise x0 counts by a power of the SNR, the root: there colours are
    decided, and by the SNR itself (0.006 at the start) those steps would hardly be trained."""
    return _weighted_loss(predicted, noise, times, lambda snr: torch.maximum(snr, snr**power))


def _weighted_loss(predicted, noise, times, weight_of_x0):
    snr = ALPHAS[times] / (1 - ALPHAS[times])
    weights = weight_of_x0(snr).clamp(max=SNR_CEILING) / snr
    error = (predicted.float() - noise).square().flatten(1).mean(1)
    return (weights * error).mean()
