"""Builds the tiny ONNX graphs that tests run. The .onnx files are committed; run this to make them again.

Usage: python test/support/models/build.py    (needs the onnx package)
"""

from pathlib import Path

import numpy as np
from build_set import tiny_set
from graph_files import (
    Type,
    constant,
    external,
    node,
    ramp,
    safetensors_data_offset,
    value,
    write,
    write_safetensors,
)
from onnx import helper

GRAPHS = Path(__file__).parent / "graphs"


def small_graphs():
    floats = lambda name: value(name, Type.FLOAT, ["n", "m"])
    write(
        GRAPHS / "add.onnx",
        nodes=[node("Add", ["a", "b"], ["sum"])],
        inputs=[floats("a"), floats("b")],
        outputs=[floats("sum")],
    )
    write(
        GRAPHS / "half-double.onnx",
        nodes=[node("Mul", ["x", "two"], ["y"])],
        inputs=[value("x", Type.FLOAT16, ["n"])],
        outputs=[value("y", Type.FLOAT16, ["n"])],
        weights=[constant("two", np.float16(2))],
    )
    # NaN for negative values, minus infinity for zero.
    write(
        GRAPHS / "log.onnx",
        nodes=[node("Log", ["x"], ["y"])],
        inputs=[value("x", Type.FLOAT, ["n"])],
        outputs=[value("y", Type.FLOAT, ["n"])],
    )
    write(
        GRAPHS / "integers.onnx",
        nodes=[
            node("Cast", ["narrow"], ["wide"], to=Type.INT64),
            node("Add", ["ids", "wide"], ["total"]),
            node("Cast", ["total"], ["narrow_total"], to=Type.INT32),
        ],
        inputs=[value("ids", Type.INT64, ["n"]), value("narrow", Type.INT32, ["n"])],
        outputs=[value("total", Type.INT64, ["n"]), value("narrow_total", Type.INT32, ["n"])],
    )
    # As older exports have it: one timestep for each of the batch.
    write(
        GRAPHS / "timestep-per-sample.onnx",
        nodes=[
            node("Unsqueeze", ["timestep", "one"], ["column"]),
            node("Add", ["sample", "column"], ["out_sample"]),
        ],
        inputs=[value("sample", Type.FLOAT, ["batch", "width"]), value("timestep", Type.FLOAT, ["batch"])],
        outputs=[value("out_sample", Type.FLOAT, ["batch", "width"])],
        weights=[constant("one", np.int64([1]))],
    )
    write(
        GRAPHS / "boolean.onnx",
        nodes=[node("Not", ["x"], ["y"])],
        inputs=[value("x", Type.BOOL, ["n"])],
        outputs=[value("y", Type.BOOL, ["n"])],
    )
    # Fails on any input that has not seven values.
    write(
        GRAPHS / "seven.onnx",
        nodes=[node("Reshape", ["x", "seven"], ["y"])],
        inputs=[value("x", Type.FLOAT, ["n"])],
        outputs=[value("y", Type.FLOAT, ["k"])],
        weights=[constant("seven", np.int64([7]))],
    )
    # Asks for as much memory as `shape` says.
    write(
        GRAPHS / "expand.onnx",
        nodes=[node("Expand", ["x", "shape"], ["y"])],
        inputs=[value("x", Type.FLOAT, [1]), value("shape", Type.INT64, ["rank"])],
        outputs=[value("y", Type.FLOAT, ["a", "b"])],
    )


def norm_graphs():
    """Group norm over two groups of two channels, as exporters write it at opset 21 and up to 20; and a
    VAE decoder that has the former."""
    values = dict(
        inputs=[value("x", Type.FLOAT, ["n", 4, "h", "w"])],
        outputs=[value("y", Type.FLOAT, ["n", 4, "h", "w"])],
    )
    scales = [constant("scale", np.ones(4, np.float32)), constant("bias", np.zeros(4, np.float32))]
    group_norm = lambda x, y: node("GroupNormalization", [x, "scale", "bias"], [y], num_groups=2)
    write(
        GRAPHS / "group-norm.onnx",
        nodes=[group_norm("x", "y")],
        weights=scales,
        opset=21,
        **values,
    )
    write(
        GRAPHS / "instance-norm.onnx",
        nodes=[
            node("Reshape", ["x", "groups"], ["grouped"]),
            node("InstanceNormalization", ["grouped", "ones", "zeros"], ["even"]),
            node("Shape", ["x"], ["shape"]),
            node("Reshape", ["even", "shape"], ["y"]),
        ],
        weights=[
            constant("groups", np.int64([0, 2, -1])),
            constant("ones", np.ones(2, np.float32)),
            constant("zeros", np.zeros(2, np.float32)),
        ],
        **values,
    )
    write(
        GRAPHS / "layer-norm.onnx",
        nodes=[
            node("Flatten", ["x"], ["row"], axis=2),
            node("LayerNormalization", ["row", "ones"], ["even"]),
            node("Shape", ["x"], ["shape"]),
            node("Reshape", ["even", "shape"], ["y"]),
        ],
        weights=[constant("ones", np.ones(64, np.float32))],
        **values,
    )
    write(
        GRAPHS / "vae-decoder-group-norm.onnx",
        nodes=[
            group_norm("latent_sample", "even"),
            node("Conv", ["even", "mix"], ["colours"]),
            node("Resize", ["colours", "", "eight"], ["sample"]),
        ],
        inputs=[value("latent_sample", Type.FLOAT, ["batch", 4, "latent_height", "latent_width"])],
        outputs=[value("sample", Type.FLOAT, ["batch", 3, "height", "width"])],
        weights=[
            *scales,
            ramp("mix", [3, 4, 1, 1], 0.3),
            constant("eight", np.float32([1, 1, 8, 8])),
        ],
        opset=21,
    )


def slow_graph():
    """Works for as long as `rounds` says: rounds of tanh(x @ w), about 1 us each on one core."""
    body = helper.make_graph(
        [
            node("MatMul", ["state", "w"], ["product"]),
            node("Tanh", ["product"], ["next"]),
            node("Identity", ["go"], ["go_on"]),
        ],
        "round",
        [
            value("round", Type.INT64, []),
            value("go", Type.BOOL, []),
            value("state", Type.FLOAT, ["n", 24]),
        ],
        [value("go_on", Type.BOOL, []), value("next", Type.FLOAT, ["n", 24])],
    )
    write(
        GRAPHS / "slow.onnx",
        nodes=[node("Loop", ["rounds", "", "x"], ["y"], body=body)],
        inputs=[value("x", Type.FLOAT, ["n", 24]), value("rounds", Type.INT64, [])],
        outputs=[value("y", Type.FLOAT, ["n", 24])],
        weights=[ramp("w", [24, 24], 0.4)],
    )


def network_graph():
    """Convolution, GroupNorm, softmax attention, GELU: what could give other bits with other threads."""
    width = 16
    nodes = [
        node("Conv", ["sample", "k1"], ["c1"], pads=[1, 1, 1, 1]),
        node("Reshape", ["c1", "groups"], ["g1"]),
        node("InstanceNormalization", ["g1", "ones", "zeros"], ["g2"]),
        node("Shape", ["c1"], ["c1_shape"]),
        node("Reshape", ["g2", "c1_shape"], ["g3"]),
        node("Sigmoid", ["g3"], ["s"]),
        node("Mul", ["g3", "s"], ["h1"]),
        node("Reshape", ["h1", "positions"], ["flat"]),
        node("Transpose", ["flat"], ["tokens"], perm=[0, 2, 1]),
        node("MatMul", ["tokens", "wq"], ["q"]),
        node("MatMul", ["tokens", "wk"], ["k"]),
        node("Transpose", ["k"], ["kt"], perm=[0, 2, 1]),
        node("MatMul", ["q", "kt"], ["scores"]),
        node("Softmax", ["scores"], ["weights"], axis=-1),
        node("MatMul", ["weights", "tokens"], ["mixed"]),
        node("Transpose", ["mixed"], ["back"], perm=[0, 2, 1]),
        node("Reshape", ["back", "c1_shape"], ["h2"]),
        node("Conv", ["h2", "k2"], ["out_sample"], pads=[1, 1, 1, 1]),
    ]
    write(
        GRAPHS / "network.onnx",
        nodes=nodes,
        inputs=[value("sample", Type.FLOAT, ["batch", 4, "height", "width"])],
        outputs=[value("out_sample", Type.FLOAT, ["batch", 4, "height", "width"])],
        weights=[
            ramp("k1", [width, 4, 3, 3], 0.3),
            ramp("k2", [4, width, 3, 3], 0.2),
            ramp("wq", [width, width], 0.5),
            ramp("wk", [width, width], 0.5),
            constant("groups", np.int64([0, 4, -1])),
            constant("positions", np.int64([0, width, -1])),
            constant("ones", np.ones(4, np.float32)),
            constant("zeros", np.zeros(4, np.float32)),
        ],
    )


def uneven_graph():
    """A UNet by its names, of convolutions whose channels are no multiple of four: with them ONNX Runtime cuts a lone
    sample into pieces, one for each thread."""
    size = ["height", "width"]
    write(
        GRAPHS / "uneven.onnx",
        nodes=[
            node("Conv", ["sample", "k1"], ["wide"], pads=[1, 1, 1, 1]),
            node("Conv", ["wide", "k2"], ["mixed"], pads=[1, 1, 1, 1]),
            node("Conv", ["mixed", "k3"], ["out_sample"], pads=[1, 1, 1, 1]),
        ],
        inputs=[
            value("sample", Type.FLOAT, ["batch", 4, *size]),
            value("timestep", Type.FLOAT, []),
            value("encoder_hidden_states", Type.FLOAT, ["batch", 77, 8]),
        ],
        outputs=[value("out_sample", Type.FLOAT, ["batch", 4, *size])],
        weights=[
            ramp("k1", [30, 4, 3, 3], 0.3),
            ramp("k2", [30, 30, 3, 3], 0.1),
            ramp("k3", [4, 30, 3, 3], 0.1),
        ],
    )


def graphs_with_external_data():
    """Two graphs over one file of float16 weights, and one of many megabytes that a test fills itself."""
    halves = np.arange(8, dtype=np.float16)
    write_safetensors(GRAPHS / "shared.safetensors", {"first": halves[:4], "second": halves[4:]})
    for name, entry in (("first", 0), ("second", 8)):
        offset = safetensors_data_offset(GRAPHS / "shared.safetensors") + entry
        write(
            GRAPHS / f"shared-{name}.onnx",
            nodes=[
                node("Cast", ["w"], ["w32"], to=Type.FLOAT),
                node("Mul", ["x", "w32"], ["y"]),
            ],
            inputs=[value("x", Type.FLOAT, ["n", 4])],
            outputs=[value("y", Type.FLOAT, ["n", 4])],
            weights=[external("w", Type.FLOAT16, [4], "shared.safetensors", (offset, 8))],
        )
    write(
        GRAPHS / "large.onnx",
        nodes=[node("MatMul", ["x", "w"], ["y"])],
        inputs=[value("x", Type.FLOAT, ["n", 4096])],
        outputs=[value("y", Type.FLOAT, ["n", 4096])],
        weights=[external("w", Type.FLOAT, [4096, 4096], "large.bin")],
    )


def annotators():
    """In place of published ones, of their names and shapes: depth is brightness, and a joint is where
    a channel is brightest."""
    picture = ["batch", 3, "height", "width"]
    # As transformers' DPT and Depth Anything are exported.
    write(
        GRAPHS / "depth-any-size.onnx",
        nodes=[node("ReduceMean", ["pixel_values", "channels"], ["predicted_depth"], keepdims=0)],
        inputs=[value("pixel_values", Type.FLOAT, picture)],
        outputs=[value("predicted_depth", Type.FLOAT, ["batch", "height", "width"])],
        weights=[constant("channels", np.int64([1]))],
    )
    # As MiDaS is: one picture of one size, a smaller map with a channel.
    write(
        GRAPHS / "depth-one-size.onnx",
        nodes=[
            node("ReduceMean", ["input", "channels"], ["grey"]),
            node("AveragePool", ["grey"], ["output"], kernel_shape=[2, 2], strides=[2, 2]),
        ],
        inputs=[value("input", Type.FLOAT, [1, 3, 32, 64])],
        outputs=[value("output", Type.FLOAT, [1, 1, 16, 32])],
        weights=[constant("channels", np.int64([1]))],
    )
    # As RTMPose and DWPose are: two places to a pixel.
    write(
        GRAPHS / "pose-simcc.onnx",
        nodes=[
            node("ReduceMax", ["input", "rows"], ["across"], keepdims=0),
            node("ReduceMax", ["input", "columns"], ["down"], keepdims=0),
            node("Resize", ["across", "", "twice"], ["simcc_x"], mode="nearest"),
            node("Resize", ["down", "", "twice"], ["simcc_y"], mode="nearest"),
        ],
        inputs=[value("input", Type.FLOAT, ["batch", 3, 64, 48])],
        outputs=[
            value("simcc_x", Type.FLOAT, ["batch", 3, 96]),
            value("simcc_y", Type.FLOAT, ["batch", 3, 128]),
        ],
        weights=[
            constant("rows", np.int64([2])),
            constant("columns", np.int64([3])),
            constant("twice", np.float32([1, 1, 2])),
        ],
    )
    # As ViTPose is.
    write(
        GRAPHS / "pose-heatmaps.onnx",
        nodes=[node("AveragePool", ["pixel_values"], ["heatmaps"], kernel_shape=[4, 4], strides=[4, 4])],
        inputs=[value("pixel_values", Type.FLOAT, picture)],
        outputs=[value("heatmaps", Type.FLOAT, ["batch", 3, "map_height", "map_width"])],
    )


if __name__ == "__main__":
    small_graphs()
    norm_graphs()
    slow_graph()
    network_graph()
    uneven_graph()
    graphs_with_external_data()
    tiny_set()
    annotators()
