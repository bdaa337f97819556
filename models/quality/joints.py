"""Reads the joints of a drawn shape off its silhouette, by analysis, without any learned model."""

from functools import cache

import numpy as np

from train import data

TURNS = np.linspace(data.TURNS[0] - 0.07, data.TURNS[1] + 0.07, 43)
TEMPLATE_SIZE = 100.0  # pixels


def joints_of_region(region, shape):
    """Joints (K, 2) in pixels of a `shape` that covers `region`, bool (SIZE, SIZE): the centre, then
    the corners. The centre is the region's, its size is by area, its turn the one that covers best."""
    if not region.any():
        return np.full((len(data.joints_of(shape, 1.0, np.zeros((1, 2)), 0.0)[0]), 2), np.inf)
    rows, columns = np.nonzero(region)
    centre = np.array([[columns.mean(), rows.mean()]], np.float32)
    size = TEMPLATE_SIZE * np.sqrt(region.sum() / _template_area(shape))

    def overlap(turn):
        return iou(data.distance_of(shape, size, centre, turn)[0] < 0, region)

    turn = 0.0 if data.SHAPES[shape] is None else max(TURNS, key=overlap)
    return data.joints_of(shape, size, centre, turn)[0]


def distances(found, wanted, shape):
    """Pixels between joints (K, 2) and those wanted, (K,). A circle does not show how it is turned, so
    its corners count by their distance to its outline."""
    if data.SHAPES[shape] is None and np.isfinite(found).all():
        radius = np.hypot(*(found[1] - found[0]))
        outline = np.abs(np.hypot(*(wanted[1:] - found[0]).T) - radius)
        return np.concatenate([[np.hypot(*(wanted[0] - found[0]))], outline])
    return np.hypot(*(found - wanted).T)


def iou(a, b):
    """Share of two regions that both cover, 0..1."""
    return float((a & b).sum() / max(1, (a | b).sum()))


@cache
def _template_area(shape):
    rows, columns = np.mgrid[-200:201, -200:201].astype(np.float32)
    return int((data.signed_distance(shape, columns, rows, TEMPLATE_SIZE) < 0).sum())
