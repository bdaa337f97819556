"""The image UNet with ControlNets over the frames of one window, as ControlVideo (arXiv 2305.13077) draws
them together: its samples see each other.
"""

from .prompt2prompt import split_heads
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

    def __call__(self, attn, hidden_states, **_):
        seen = hidden_states.reshape(1, -1, hidden_states.shape[-1])
        query = split_heads(attn, attn.to_q(hidden_states))
        key, value = (split_heads(attn, layer(seen)) for layer in (attn.to_k, attn.to_v))
        probabilities = (query @ key.transpose(-1, -2) * attn.scale).softmax(-1)
        return attn.to_out[0]((probabilities @ value).transpose(1, 2).flatten(2))
