"""Writes ONNX graphs that carry no weights: each initializer points into a safetensors file.

onnxruntime reads external data only from the graph's own folder or below it, so a graph lies in
the nearest folder that holds all of its weights. Weights stored as float16 or bfloat16 are cast to
float32 in the graph, and onnxruntime folds those casts when it loads it; those of 8 bits are multiplied by
their scales at every run, so that they stay small.
"""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import onnx
import torch
from onnx import TensorProto, helper

from .attention import fused_attention
from .half import computes_in_half, halve
from .int8 import SCALE, has_int8_weights, rounded
from .safetensors_file import stored_tensors

OPSET = 18
# Among a model's metadata, what its graph is, unless it computes in float32.
FORM = "bivdiff.form"
# Modules that a file's names may begin with, and a model's no more: transformers 5.6 took this one out of
# CLIPTextModel, and saves what it loaded under the names that it had.
WRAPPERS = ("text_model.",)
TYPES = {
    "F32": TensorProto.FLOAT,
    "F16": TensorProto.FLOAT16,
    "BF16": TensorProto.BFLOAT16,
    "I8": TensorProto.INT8,
}


@dataclass(frozen=True)
class Contract:
    """Names of a graph's inputs and outputs, and of their dimensions that may vary."""

    inputs: dict  # name -> {axis: dimension name}
    outputs: dict


def write_graph(module, example, contract, weights, path):
    """Traces `module` on `example` (a tuple of tensors) and writes the graph to `path`.

    `weights` maps a prefix of the module's parameter names to the safetensors file, or files, of which
    one stores the rest of the name, in a folder at or below that of `path`.
    """
    draft = path.with_suffix(".draft")
    with torch.no_grad(), fused_attention(), warnings.catch_warnings():
        # The exporter says that it is deprecated (torch is pinned) and that traced Python values
        # are constants (those left are widths; frames, batch and sizes are checked to vary).
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            example,
            str(draft),
            dynamo=False,
            opset_version=OPSET,
            export_params=False,
            do_constant_folding=False,
            keep_initializers_as_inputs=True,
            input_names=list(contract.inputs),
            output_names=list(contract.outputs),
            dynamic_axes={**contract.inputs, **contract.outputs},
        )
    model = onnx.load(str(draft))
    draft.unlink()
    _merge_equal_nodes(model.graph)
    _point_at_weights(model.graph, contract, weights, path)
    if computes_in_half():
        halve(model.graph)
    forms = {"float16": computes_in_half(), "int8": has_int8_weights()}
    if any(forms.values()):
        form = "+".join(name for name, has_it in forms.items() if has_it)
        helper.set_model_props(model, {FORM: form})
    _shorten_names(model.graph)
    _name_output_dimensions(model.graph, contract, module, example)
    onnx.save(model, str(path))


def _point_at_weights(graph, contract, weights, path):
    """Turns the parameters, which the exporter left as inputs, into external initializers."""
    index = {}
    for prefix, files in weights.items():
        files = [files] if isinstance(files, Path) else files
        if has_int8_weights():
            files = [rounded(file) for file in files]
        index[prefix] = {file: stored_tensors(file) for file in files}
    parameters = [value for value in graph.input if value.name not in contract.inputs]
    used = {name for node in graph.node for name in node.input}
    casts = []
    for value in parameters:
        graph.input.remove(value)
        if value.name not in used:
            continue
        prefix = next(p for p in sorted(index, reverse=True) if value.name.startswith(f"{p}."))
        file, stored = _find(value.name.removeprefix(f"{prefix}."), index[prefix])
        location = os.path.relpath(file, path.parent)
        if stored.dtype == "F32":
            _add_weight(graph, value.name, location, stored)
            continue
        name = _add_weight(graph, f"{value.name}.{stored.dtype.lower()}", location, stored)
        if stored.dtype == "I8":
            _, scale = _find(f"{value.name.removeprefix(f'{prefix}.')}{SCALE}", index[prefix])
            scale = _add_weight(graph, f"{value.name}{SCALE}", location, scale)
            casts.append(helper.make_node("DequantizeLinear", [name, scale], [value.name], axis=0))
        else:
            casts.append(helper.make_node("Cast", [name], [value.name], to=TensorProto.FLOAT))
    for position, cast in enumerate(casts):
        graph.node.insert(position, cast)


def _add_weight(graph, name, location, stored):
    tensor = graph.initializer.add()
    tensor.name = name
    tensor.data_type = TYPES[stored.dtype]
    tensor.dims.extend(stored.shape)
    _set_location(tensor, location, stored)
    return name


def _find(name, files):
    """Which file stores the model's weight `name`, and what it has of it."""
    for file, tensors in files.items():
        for wrapper in ("", *WRAPPERS):
            if wrapper + name in tensors:
                return file, tensors[wrapper + name]
    there = [f"{file} has {', '.join(sorted(tensors)[:3])} ..." for file, tensors in files.items()]
    raise LookupError(f"no weight {name}: {'; '.join(there)}")


def _merge_equal_nodes(graph):
    """Keeps one of nodes that compute the same from the same. The tracer writes thousands of equal
    constants and shape look-ups, which onnxruntime would sort out at every load."""
    outputs = {value.name for value in graph.output}
    merged, kept, known = {}, [], {}
    for node in graph.node:
        node.input[:] = [merged.get(name, name) for name in node.input]
        attributes = sorted(a.SerializeToString(deterministic=True) for a in node.attribute)
        key = (node.op_type, node.domain, tuple(node.input), len(node.output), *attributes)
        twin = known.setdefault(key, node)
        if twin is node or outputs.intersection(node.output):
            kept.append(node)
        else:
            merged.update(zip(node.output, twin.output, strict=True))
    del graph.node[:]
    graph.node.extend(kept)


def _shorten_names(graph):
    """Numbers the intermediate values and takes the nodes' names away: long ones are most of a graph
    without weights, and nobody reads them. Inputs, outputs and weights keep theirs; a weight's is the
    model's own, so it also tells which layer the node is of that takes it."""
    outputs = {value.name for value in graph.output}
    short = {}
    for node in graph.node:
        node.ClearField("name")
        for name in node.output:
            if name not in outputs:
                short[name] = f"v{len(short)}"
    for node in graph.node:
        node.input[:] = [short.get(name, name) for name in node.input]
        node.output[:] = [short.get(name, name) for name in node.output]


def _set_location(tensor, location, stored):
    tensor.data_location = TensorProto.EXTERNAL
    entries = dict(location=location, offset=str(stored.offset), length=str(stored.length))
    for key, value in entries.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value


def _name_output_dimensions(graph, contract, module, example):
    """Output shapes: the traced sizes, with the contract's names where they may vary."""
    with torch.no_grad():
        results = module(*example)
    results = results if isinstance(results, tuple) else (results,)
    for value, result in zip(graph.output, results, strict=True):
        names = contract.outputs[value.name]
        del value.type.tensor_type.shape.dim[:]
        for axis, size in enumerate(result.shape):
            dimension = value.type.tensor_type.shape.dim.add()
            if axis in names:
                dimension.dim_param = names[axis]
            else:
                dimension.dim_value = size
