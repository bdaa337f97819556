"""Attention as one node of the graph, `MultiHeadAttention` of ONNX Runtime's own operators.

As products and a softmax, each layer writes and reads a table of all pairs of positions, the largest thing
that a UNet computes; the one node goes through it block by block. Providers for CPU, CUDA and WebGPU have it.
"""

from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch.nn import functional

DOMAIN = "com.microsoft"
_is_plain = ContextVar("is_plain", default=False)


@contextmanager
def plain_attention(is_plain=True):
    """While it lasts, graphs have ONNX's own operators alone, for providers that do not know the node."""
    before = _is_plain.set(is_plain)
    try:
        yield
    finally:
        _is_plain.reset(before)


@contextmanager
def fused_attention():
    """While it lasts, a trace writes torch's scaled dot-product attention as one node, where nothing is masked."""
    if _is_plain.get():
        yield
        return
    plain = functional.scaled_dot_product_attention

    def attend(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, **options):
        if attn_mask is not None or is_causal or options.get("enable_gqa"):
            return plain(query, key, value, attn_mask, dropout_p, is_causal, **options)
        scale = options.get("scale") or query.shape[-1] ** -0.5
        return _Attention.apply(query, key, value, int(query.shape[1]), float(scale))

    functional.scaled_dot_product_attention = attend
    try:
        yield
    finally:
        functional.scaled_dot_product_attention = plain


class _Attention(torch.autograd.Function):
    """query (B, heads, P, D), key and value (B, heads, N, D) to (B, heads, P, D)."""

    @staticmethod
    def forward(ctx, query, key, value, heads, scale):
        return functional.softmax(query @ key.transpose(-1, -2) * scale, -1) @ value

    @staticmethod
    def symbolic(g, query, key, value, heads, scale):
        tokens = [_tokens(g, each) for each in (query, key, value)]
        out = g.op(f"{DOMAIN}::MultiHeadAttention", *tokens, num_heads_i=heads, scale_f=scale)
        split = g.op("Constant", value_t=torch.tensor([0, 0, heads, -1]))
        heads_first = g.op("Transpose", g.op("Reshape", out, split), perm_i=[0, 2, 1, 3])
        # The exporter knows no shapes behind operators that are not ONNX's; some it writes otherwise then.
        return heads_first.setType(query.type())


def _tokens(g, split):
    """(B, heads, N, D) to (B, N, heads * D); what was just split into heads is taken as it was before."""
    swap = split.node()
    if swap.kind() == "onnx::Transpose" and list(getattr(swap, "is")("perm")) == [0, 2, 1, 3]:
        reshape = next(swap.inputs()).node()
        if reshape.kind() == "onnx::Reshape":
            return next(reshape.inputs())
    joined = g.op("Constant", value_t=torch.tensor([0, 0, -1]))
    return g.op("Reshape", g.op("Transpose", split, perm_i=[0, 2, 1, 3]), joined)
