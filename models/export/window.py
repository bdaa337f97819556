"""The image UNet with ControlNets over the frames of one window, as ControlVideo (arXiv 2305.13077) draws
them together: its samples see each other.
"""

from diffusers.models.attention_processor import AttnProcessor2_0

from .wrappers import ControlledUnet, pool_norms


class WindowUnet(ControlledUnet):
    """Inputs and outputs are those of ControlledUnet, the frames of a window in place of the batch.

    Self-attention of the UNet sees the positions of all frames. Norms of ResNet blocks, the ControlNets'
    too, and of the output take their statistics over them, as in the method's own code. Changes `model`
    and `controlnets`.
    """

    def __init__(self, model, controlnets):
        super().__init__(pool_norms(model), [pool_norms(one) for one in controlnets])
        processors = model.attn_processors
        own = {name: JoinedAttention() for name in processors if ".attn1." in name}
        model.set_attn_processor({**processors, **own})


class JoinedAttention:
    """Self-attention of each sample to the positions of all samples."""

    def __init__(self):
        self.attend = AttnProcessor2_0()

    def __call__(self, attn, hidden_states, **_):
        together = hidden_states.reshape(1, -1, hidden_states.shape[-1])
        return self.attend(attn, together).reshape(hidden_states.shape)
