"""Annotators of a set: our own, from their training, or an ONNX file of another's.

How pictures must come lies beside each graph, under the keys of transformers' image processors.
"""

import json
import shutil
from pathlib import Path

import onnx
from onnx.external_data_helper import ExternalDataInfo, uses_external_data

from train import annotators, controls

from . import graphs

KINDS = ("depth", "pose")
PREPROCESSOR = "preprocessor_config.json"
# ImageNet's, which most published ones take; where the file's folder says otherwise, that holds.
PREPARING = {"image_mean": annotators.MEAN, "image_std": annotators.STD}


def card_entries(paths):
    """Entries of a card's `annotators` for a Source's. Joints that another's model finds are taken for
    the 17 of COCO, with which RTMPose's and the body of DWPose's begin."""
    entries = {kind: {"kind": kind, "model": f"annotator-{kind}"} for kind in paths}
    if "pose" in entries:
        is_file = paths["pose"].suffix == ".onnx"
        entries["pose"]["skeleton"] = "openpose" if is_file else own_skeleton()
        entries["pose"]["threshold"] = annotators.SEEN
    return entries


def own_skeleton():
    """What `controls.pose_picture` draws."""
    return {
        "edges": controls.EDGES,
        "colors": controls.COLORS,
        "edgeColors": controls.EDGE_COLORS,
        "radius": controls.RADIUS,
        "lineWidth": controls.LINE_WIDTH,
    }


def write_annotator(kind, path, folder, dtype):
    """Writes `path`, a folder that training saved or an ONNX file, as `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        _write_own(kind, path, folder, dtype)
    else:
        _copy_file(path, folder)


def _write_own(kind, path, folder, dtype):
    model = annotators.load(path)
    annotators.save(model.to(dtype), folder)
    # What was stored, rounded to `dtype`.
    graphs.write_annotator(annotators.load(folder), kind, folder)


def weight_files_of(path):
    """Files beside an ONNX file that its weights lie in."""
    model = onnx.load(path, load_external_data=False)
    tensors = [tensor for tensor in model.graph.initializer if uses_external_data(tensor)]
    return [path.parent / at for at in sorted({ExternalDataInfo(one).location for one in tensors})]


def _copy_file(path, folder):
    """The graph, the files that its weights lie in, and what is said of its pictures."""
    for file in weight_files_of(path):
        target = folder / file.relative_to(path.parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    shutil.copy(path, folder / "model.onnx")
    said = path.parent / PREPROCESSOR
    if said.is_file():
        shutil.copy(said, folder / PREPROCESSOR)
    else:
        (folder / "config.json").write_text(json.dumps(PREPARING, indent=2) + "\n")
