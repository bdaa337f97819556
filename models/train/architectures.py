"""The shapes of the small models: genuine diffusers and transformers classes, randomly filled."""

from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    DDIMScheduler,
    MotionAdapter,
    T2IAdapter,
    UNet2DConditionModel,
    UNet3DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel

from .text import END_ID, LENGTH, START_ID, VOCABULARY_SIZE

WIDTHS = (40, 80, 100)
AUTOENCODER_GROUPS = 8
GROUPS = 10
TEXT_WIDTH = 64
HEAD_WIDTH = 20
LATENT_SIZE = 16
MOTION_FRAMES = 32


def autoencoder():
    """AutoencoderKL, eight pixels to one latent each way."""
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(16, 32, 48, 64),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=AUTOENCODER_GROUPS,
        sample_size=128,
    )


def text_encoder():
    """CLIPTextModel of two layers."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=VOCABULARY_SIZE,
            hidden_size=TEXT_WIDTH,
            intermediate_size=2 * TEXT_WIDTH,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=LENGTH,
            projection_dim=TEXT_WIDTH,
            bos_token_id=START_ID,
            eos_token_id=END_ID,
            pad_token_id=END_ID,
        )
    )


def image_unet():
    """UNet2DConditionModel. This class reads `attention_head_dim` as the number of heads."""
    return UNet2DConditionModel(
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        attention_head_dim=tuple(width // HEAD_WIDTH for width in WIDTHS),
        use_linear_projection=True,
        **_unet_sizes(),
    )


def video_unet():
    """UNet3DConditionModel. This class reads `attention_head_dim` as the width of a head, so with
    the numbers above both split their heads alike and the image UNet's weights mean the same."""
    return UNet3DConditionModel(
        down_block_types=("CrossAttnDownBlock3D", "CrossAttnDownBlock3D", "DownBlock3D"),
        up_block_types=("UpBlock3D", "CrossAttnUpBlock3D", "CrossAttnUpBlock3D"),
        attention_head_dim=HEAD_WIDTH,
        **_unet_sizes(),
    )


def motion_adapter():
    """MotionAdapter for the image UNet, none in its middle. It knows positions of that many frames."""
    return MotionAdapter(
        block_out_channels=WIDTHS,
        motion_layers_per_block=1,
        motion_num_attention_heads=tuple(width // HEAD_WIDTH for width in WIDTHS),
        motion_norm_num_groups=GROUPS,
        motion_max_seq_length=MOTION_FRAMES,
        use_motion_mid_block=False,
    )


def controlnet(unet):
    """A ControlNet that starts as a copy of the UNet's encoder, with a small picture branch."""
    fresh = ControlNetModel.from_unet(
        unet,
        conditioning_channels=3,
        conditioning_embedding_out_channels=(8, 16, 32, 64),
    )
    return fresh


def adapter(channels):
    """A T2I-Adapter for pictures of so many channels: of every level, what is added to the UNet's."""
    return T2IAdapter(
        in_channels=channels,
        channels=list(WIDTHS),
        num_res_blocks=1,
        downscale_factor=8,
        adapter_type="full_adapter",
    )


def scheduler():
    """Stable Diffusion's noise schedule."""
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )


def _unet_sizes():
    return dict(
        sample_size=LATENT_SIZE,
        in_channels=4,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=WIDTHS,
        cross_attention_dim=TEXT_WIDTH,
        norm_num_groups=GROUPS,
    )
