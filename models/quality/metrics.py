"""Figures of a clip: flicker, edge agreement, drift, and how often what was asked for is there.

Clips are uint8 (F, H, W, 3), RGB; outlines bool (F, H, W).
"""

import cv2
import numpy as np

from parity.canny import canny

from . import detectors

TOLERANCE = 2  # pixels between an edge and its counterpart


def measure(clip, outlines, spec, generated):
    """All figures of a clip as a dict. `outlines`: the control; `spec`: what was asked for;
    `generated`: the frames before smoothing, from which drift is counted."""
    regions = [detectors.find_object(frame) for frame in clip]
    pairs = list(zip(clip, regions, strict=True))
    return dict(
        flicker=flicker(clip),
        edgeF1=edge_f1(np.stack([canny(frame) > 0 for frame in clip]), outlines),
        color=_share(detectors.color_of(f, r) == spec.color for f, r in pairs),
        background=_share(detectors.background_of(f, r) == spec.background for f, r in pairs),
        shape=_share(detectors.shape_of(region) == spec.shape for region in regions),
        drift=float(np.abs(clip.astype(np.float32) - generated).mean()),
    )


def flicker(clip):
    """Mean absolute difference, 0..255, of each frame from its predecessor moved along the
    optical flow (DIS, medium preset)."""
    height, width = clip.shape[1:3]
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in clip]
    differences = []
    for i in range(1, len(clip)):
        flow = dis.calc(grey[i], grey[i - 1], None)
        moved = cv2.remap(
            clip[i - 1],
            columns + flow[..., 0],
            rows + flow[..., 1],
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        differences.append(np.abs(moved.astype(np.float32) - clip[i]).mean())
    return float(np.mean(differences))


def edge_f1(edges, outlines):
    """Mean over frames of the F1 of two edge maps, a pixel counting within TOLERANCE of another."""
    kernel = np.ones((2 * TOLERANCE + 1,) * 2, np.uint8)
    scores = []
    for a, b in zip(edges.astype(np.uint8), outlines.astype(np.uint8), strict=True):
        precision = (a & cv2.dilate(b, kernel)).sum() / max(1, a.sum())
        recall = (b & cv2.dilate(a, kernel)).sum() / max(1, b.sum())
        scores.append(2 * precision * recall / max(1e-9, precision + recall))
    return float(np.mean(scores))


def _share(hits):
    return float(np.mean(list(hits)))
