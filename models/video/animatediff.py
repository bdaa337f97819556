"""AnimateDiff's video UNet: an image UNet with a motion adapter, as diffusers joins them.

The adapter's modules are attention over the frames of each pixel, after each ResNet block. Weights
keep the names that image UNet and adapter have in their own files. Knows nothing of training or ONNX.
"""

from diffusers import UNetMotionModel
from torch import nn


class AnimateDiffUnet(nn.Module):
    """sample (B, 4, F, h, w), timestep of rank 0, text (B, 77, D) to the noise, like the sample.

    F is at most the adapter's `motion_max_seq_length`.
    """

    def __init__(self, image_unet, adapter):
        super().__init__()
        self.unet = UNetMotionModel.from_unet2d(image_unet, adapter)
        self.config = self.unet.config

    def forward(self, sample, timestep, encoder_hidden_states):
        # diffusers' class wants the text of each frame.
        text = encoder_hidden_states.unsqueeze(1).expand(-1, sample.shape[2], -1, -1)
        return self.unet(sample, timestep, text.flatten(0, 1))


def is_temporal(name):
    """Whether a weight of that name is the adapter's, not the image UNet's."""
    return ".motion_modules." in name
