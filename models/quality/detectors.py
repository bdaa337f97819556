"""Reads colour, background and shape off a frame by analysis, without any learned model.

Frames are uint8 (SIZE, SIZE, 3), RGB.
"""

from functools import cache

import cv2
import numpy as np

from train import data

OBJECT_CONTRAST = 40  # levels of some channel by which the shape leaves the fitted background
SMALLEST_OBJECT = 150  # pixels
# A palette colour appears darkened or brightened by shade, gradient and shading of the body.
BRIGHTNESS = (0.7, 1.25)
FARTHEST_COLOR = 60  # levels (Euclid); beyond it a colour counts as none of the palette
SECTORS = 48
BORDER = 6  # pixels along the frame's edge from which the background is fitted


def find_object(frame):
    """The largest connected region that leaves the background, bool (SIZE, SIZE); maybe empty."""
    contrast = np.abs(frame.astype(np.float32) - _fit_background(frame)).max(-1)
    _, labels, stats, _ = cv2.connectedComponentsWithStats((contrast > OBJECT_CONTRAST).astype("u1"))
    if len(stats) < 2:
        return np.zeros(frame.shape[:2], bool)
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    if stats[largest, cv2.CC_STAT_AREA] < SMALLEST_OBJECT:
        return np.zeros(frame.shape[:2], bool)
    return labels == largest


def color_of(frame, region):
    """Name of the shape's colour, or None."""
    inside = cv2.erode(region.astype("u1"), np.ones((5, 5), "u1")) > 0
    return _nearest(frame[inside].mean(0), data.COLORS) if inside.any() else None


def background_of(frame, region):
    """Name of the background's colour, or None."""
    outside = cv2.dilate(region.astype("u1"), np.ones((9, 9), "u1")) == 0
    return _nearest(frame[outside].mean(0), data.BACKGROUNDS) if outside.any() else None


def shape_of(region):
    """Name of the shape whose radial signature is nearest at any turn, or None."""
    if not region.any():
        return None
    seen = _signature(region)
    return min(data.SHAPES, key=lambda shape: _distance(seen, _template(shape)))


def _fit_background(frame):
    """Plane through each channel of the border pixels, refitted once without the far ones."""
    rows, columns = np.mgrid[0 : data.SIZE, 0 : data.SIZE].astype(np.float32) / data.SIZE
    basis = np.stack([rows, columns, np.ones_like(rows)], axis=-1)
    border = np.ones(rows.shape, bool)
    border[BORDER:-BORDER, BORDER:-BORDER] = False
    for _ in range(2):
        plane, *_ = np.linalg.lstsq(basis[border], frame[border].astype(np.float32), rcond=None)
        fitted = basis @ plane
        border &= np.abs(frame - fitted).max(-1) < OBJECT_CONTRAST
    return fitted


def _nearest(color, palette):
    """The entry whose span of brightnesses passes nearest to `color` (R, G, B)."""

    def distance(name):
        entry = np.array(palette[name], np.float32)
        brightness = np.clip(color @ entry / (entry @ entry), *BRIGHTNESS)
        return float(np.linalg.norm(color - brightness * entry))

    best = min(palette, key=distance)
    return best if distance(best) <= FARTHEST_COLOR else None


def _signature(region):
    """Radius over angle, (SECTORS,), from the areas of the sectors, relative to its mean."""
    rows, columns = np.nonzero(region)
    angles = np.arctan2(rows - rows.mean(), columns - columns.mean())
    sector = ((angles + np.pi) / (2 * np.pi) * SECTORS).astype(int) % SECTORS
    radius = np.sqrt(np.bincount(sector, minlength=SECTORS))
    return radius / radius.mean()


def _distance(seen, template):
    """Least mean square difference over all turns."""
    return min(float(np.square(seen - np.roll(template, turn)).mean()) for turn in range(SECTORS))


@cache
def _template(shape):
    rows, columns = np.mgrid[-200:201, -200:201].astype(np.float32)
    return _signature(data.signed_distance(shape, columns, rows, 120) < 0)
