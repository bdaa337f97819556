"""Captioned clips of one moving shape, drawn from seeds by signed distance fields.

Everything the models learn from comes from here, with its ground truth (mask, edges, depth,
joints). What a caption says: colour, shape, direction, background. What it leaves unsaid varies
from clip to clip but is constant inside one: shade of both colours, a linear gradient over the
background, shading of the body, size, rotation, speed. A model that draws frames one by one picks
the unsaid things anew in every frame; that is the flicker the video model is there to remove.

Knows nothing of models. Used by training, export (demo clips), quality and parity.
"""

from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np

SIZE = 128
FRAMES = 8
COLORS = {
    "red": (215, 45, 45),
    "green": (45, 165, 70),
    "blue": (50, 85, 220),
    "yellow": (235, 205, 55),
    "purple": (150, 60, 190),
    "cyan": (55, 200, 215),
}
BACKGROUNDS = {
    "gray": (128, 128, 128),
    "white": (225, 225, 225),
    "navy": (25, 30, 70),
    "brown": (120, 85, 55),
}
# Corners, and inner radius over outer radius; a regular n-gon has cos(pi / n). None: a circle.
SHAPES = {
    "circle": None,
    "square": (4, np.cos(np.pi / 4)),
    "triangle": (3, np.cos(np.pi / 3)),
    "star": (5, 0.42),
}
# Outer radius as a multiple of the clip's size, so that the four shapes look about equally big.
EXTENT = {"circle": 1.0, "square": 1.2, "triangle": 1.25, "star": 1.28}
DIRECTIONS = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
TURNS = (-0.35, 0.35)  # radians by which a shape is turned
# First word of the seed: a clip of one split can never be a clip of the other.
SPLITS = {"train": 1, "held-out": 2}

_ROWS, _COLUMNS = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)


@dataclass(frozen=True)
class Spec:
    """What a caption says about a clip; each field is a key of its table above."""

    color: str
    shape: str
    direction: str
    background: str

    @property
    def caption(self):
        return (
            f"a {self.color} {self.shape} moving {self.direction} on a {self.background} background"
        )


@dataclass(frozen=True)
class Clip:
    """A drawn clip and its ground truth; F frames of SIZE x SIZE pixels."""

    spec: Spec
    frames: np.ndarray  # uint8 (F, SIZE, SIZE, 3), RGB
    distance: np.ndarray  # float32 (F, SIZE, SIZE), pixels to the outline, negative inside
    joints: np.ndarray  # float32 (F, K, 2), x and y in pixels: the centre, then the corners
    background: np.ndarray  # uint8 (SIZE, SIZE, 3), what the shape hides

    @property
    def mask(self):
        """Coverage of each pixel by the shape, float32 in 0..1, (F, SIZE, SIZE)."""
        return coverage(self.distance)

    @property
    def edges(self):
        """The outline one pixel wide, bool (F, SIZE, SIZE): where the coverage crosses a half."""
        inside = self.mask > 0.5
        edge = np.zeros_like(inside)
        edge[:, 1:, :] |= inside[:, 1:, :] != inside[:, :-1, :]
        edge[:, :, 1:] |= inside[:, :, 1:] != inside[:, :, :-1]
        return edge

    @property
    def depth(self):
        """Nearness in 0..1, float32 (F, SIZE, SIZE): `depth_of` its distances."""
        return depth_of(self.distance)


def draw(split, index, frames=FRAMES, **said):
    """Clip `index` of a split. `said` fixes fields of its Spec; the rest follows from the seed."""
    return render(*_laid_out(split, index, frames, said))


def draw_across(split, index, frames):
    """A clip whose shape crosses the picture once in `frames`, however many: at the pace of `draw` it
    would leave the picture in a long one."""
    rng, spec, size, _ = _laid_out(split, index, frames, {})
    reach = (SIZE - 1) / 2 - size * EXTENT[spec.shape]
    way = np.linspace(-reach, reach, frames)[:, None] * np.array(DIRECTIONS[spec.direction])
    return render(rng, spec, size, ((SIZE - 1) / 2 + way).astype(np.float32))


def truth(split, index, frame, frames=FRAMES):
    """One frame of what `draw` draws, without drawing it: distance (1, SIZE, SIZE) and joints
    (1, K, 2), as in a Clip."""
    rng, spec, size, centres = _laid_out(split, index, frames, {})
    turn, centre = rng.uniform(*TURNS), centres[frame : frame + 1]
    return distance_of(spec.shape, size, centre, turn), joints_of(spec.shape, size, centre, turn)


def distance_of(shape, size, centres, turn):
    """Pixels of each pixel to the outline of a shape at `centres` (F, 2), (F, SIZE, SIZE)."""
    return signed_distance(shape, *_turned(centres, turn), size)


def depth_of(distance):
    """Nearness in 0..1 (1 nearest), float32 (F, SIZE, SIZE), from distances of that shape: a floor
    that rises towards the viewer from 0.1 at the top to 0.3 at the bottom, and a dome of 0.6 to 0.9
    for the shape."""
    floor = 0.1 + 0.2 * _ROWS / (SIZE - 1)
    deepest = max(1.0, float(-distance.min()))
    dome = 0.6 + 0.3 * np.clip(-distance / deepest, 0, 1)
    mask = coverage(distance)
    return (floor * (1 - mask) + dome * mask).astype(np.float32)


def draw_changed(split, index, frames=FRAMES, **changed):
    """Clip `index` of a split, and the same clip with fields of its Spec changed: all that a caption
    leaves unsaid, place and path included, is equal in both."""
    rng, spec, size, centres = _laid_out(split, index, frames, {})
    again = deepcopy(rng)
    return (
        render(rng, spec, size, centres),
        render(again, replace(spec, **changed), size, centres),
    )


def _laid_out(split, index, frames, said):
    """What `render` takes: the generator, the spec, the size and the centres."""
    rng = np.random.default_rng([SPLITS[split], index])
    spec = _choose_spec(rng, said)
    size = rng.uniform(20, 34)
    speed = rng.uniform(1.5, 4.5)  # pixels a frame
    extent = size * EXTENT[spec.shape]
    step = np.array(DIRECTIONS[spec.direction], np.float32) * speed
    half_path = np.abs(step) * (frames - 1) / 2
    # The middle of the path lies so that the whole path keeps the shape inside the picture.
    low, high = extent + half_path, SIZE - 1 - extent - half_path
    middle = rng.uniform(np.minimum(low, SIZE / 2), np.maximum(high, SIZE / 2))
    times = np.arange(frames, dtype=np.float32) - (frames - 1) / 2
    return rng, spec, size, (middle + times[:, None] * step).astype(np.float32)


def render(rng, spec, size, centres):
    """Draws a shape of `size` pixels at each of `centres` (F, 2; x, y), unsaid things from rng."""
    turn = rng.uniform(*TURNS)
    ink = np.array(COLORS[spec.color], np.float32) * rng.uniform(0.85, 1.1)
    paper = np.array(BACKGROUNDS[spec.background], np.float32) * rng.uniform(0.85, 1.1)
    slope = _background_gradient(rng)
    x, y = _turned(centres, turn)
    distance = signed_distance(spec.shape, x, y, size)
    shade = 1 - 0.25 * np.clip((x + y) / (2 * size), -1, 1)
    alpha = coverage(distance)[..., None]
    picture = paper * slope[..., None] * (1 - alpha) + ink * shade[..., None] * alpha
    bare = _levels(paper * slope[..., None])
    return Clip(spec, _levels(picture), distance, joints_of(spec.shape, size, centres, turn), bare)


def signed_distance(shape, x, y, size):
    """Pixels from (x, y), relative to the centre, to the outline; negative inside."""
    radius = np.hypot(x, y)
    if SHAPES[shape] is None:
        return (radius - size).astype(np.float32)
    corners, inner = SHAPES[shape]
    outer = size * EXTENT[shape]
    # All wedges fold onto one whose corner lies on the x axis and whose notch lies at pi / corners.
    wedge = 2 * np.pi / corners
    angle = np.arctan2(x, -y) + _first_corner(shape)
    angle = np.abs(np.mod(angle + wedge / 2, wedge) - wedge / 2)
    px, py = radius * np.cos(angle), radius * np.sin(angle)
    notch = inner * outer * np.array([np.cos(wedge / 2), np.sin(wedge / 2)])
    edge = notch - np.array([outer, 0.0])
    normal = np.array([edge[1], -edge[0]]) / np.hypot(*edge)
    return ((px - outer) * normal[0] + py * normal[1]).astype(np.float32)


def _levels(picture):
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def coverage(distance):
    """Share of a pixel that lies inside, 0..1, from its distance in pixels."""
    return np.clip(0.5 - distance, 0, 1)


def _choose_spec(rng, said):
    tables = dict(color=COLORS, shape=SHAPES, direction=DIRECTIONS, background=BACKGROUNDS)
    # Every field is drawn, said or not, so that fixing one leaves the others as they were.
    drawn = {name: str(rng.choice(list(table))) for name, table in tables.items()}
    return Spec(**{**drawn, **said})


def _background_gradient(rng):
    """Brightness factor over the background, (SIZE, SIZE), up to a quarter each way."""
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.25)
    across = np.cos(angle) * (_COLUMNS - SIZE / 2) + np.sin(angle) * (_ROWS - SIZE / 2)
    return 1 + strength * across / (SIZE / 2)


def _turned(centres, turn):
    """Coordinates (F, SIZE, SIZE) of every pixel in the shape's own, turned frame."""
    x = _COLUMNS[None] - centres[:, 0, None, None]
    y = _ROWS[None] - centres[:, 1, None, None]
    cos, sin = np.cos(turn), np.sin(turn)
    return (cos * x + sin * y).astype(np.float32), (-sin * x + cos * y).astype(np.float32)


def _first_corner(shape):
    return np.pi / 4 if shape == "square" else 0.0


def joints_of(shape, size, centres, turn):
    """Centre and corners at each of `centres` (F, 2), (F, K, 2); a circle counts as having four."""
    corners = SHAPES[shape][0] if SHAPES[shape] else 4
    angles = np.arange(corners) * 2 * np.pi / corners - _first_corner(shape) + turn
    outer = size * EXTENT[shape]
    around = outer * np.stack([np.sin(angles), -np.cos(angles)], axis=-1)
    skeleton = np.concatenate([np.zeros((1, 2)), around])
    return (centres[:, None] + skeleton[None]).astype(np.float32)
