"""Control pictures of drawn clips, from their ground truth: depth, and joints with their limbs.

What an annotator reads off a picture is near the truth and never it, so training sees the truth
disturbed: `depth_picture` and `pose_picture` draw the picture, the functions with `rough` disturb
what it is drawn from. The drawing rules here are the ones that `kind: depth` and `kind: pose` of a
card mean; the render system draws by the same.
"""

import cv2
import numpy as np

from . import data

# The skeleton: the centre, then up to five corners, clockwise from the first (`data.joints_of`); a
# shape with fewer has none of the last. Sizes are for a picture whose shorter side has 128 pixels,
# and grow with it.
JOINTS = 6
EDGES = tuple((0, corner) for corner in range(1, JOINTS))
COLORS = ((255, 255, 255), (255, 0, 0), (255, 255, 0), (0, 255, 0), (0, 255, 255), (85, 85, 255))
EDGE_COLORS = tuple(tuple(round(0.6 * c) for c in COLORS[corner]) for _, corner in EDGES)
RADIUS, LINE_WIDTH, DRAWN_AT = 4.0, 4.0, 128


def depth_picture(depth):
    """Nearness (H, W) of any scale to float32 (H, W) in 0..1: the nearest is white, the farthest
    black. A depth that is the same everywhere is black."""
    low, high = float(depth.min()), float(depth.max())
    return ((depth - low) / max(high - low, 1e-6)).astype(np.float32)


def pose_picture(joints, seen, height=data.SIZE, width=data.SIZE):
    """Draws a skeleton on black, float32 (H, W, 3) in 0..1.

    `joints` (K, 2) are x and y in pixels, pixel (0, 0) having its middle at (0, 0); `seen` (K,) says
    which there are. First the limbs in the order of EDGES, each where both ends are seen: a line of
    LINE_WIDTH with round ends. Then the joints, in order: discs of RADIUS. Each is painted over what
    is there, by its coverage of a pixel: 0.5 - distance to its border (negative inside), in 0..1.
    """
    scale = min(height, width) / DRAWN_AT
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    picture = np.zeros((height, width, 3), np.float32)

    def paint(distance, radius, color):
        cover = np.clip(0.5 + radius * scale - distance, 0, 1)[..., None]
        picture[:] = picture * (1 - cover) + cover * np.array(color, np.float32) / 255

    for (start, end), color in zip(EDGES, EDGE_COLORS, strict=True):
        if seen[start] and seen[end]:
            paint(_to_segment(columns, rows, joints[start], joints[end]), LINE_WIDTH / 2, color)
    for joint, color in enumerate(COLORS):
        if seen[joint]:
            x, y = joints[joint]
            paint(np.hypot(columns - x, rows - y), RADIUS, color)
    return picture


def padded(joints):
    """Joints (K, 2) of any shape as (JOINTS, 2), and which are there, bool (JOINTS,)."""
    seen = np.arange(JOINTS) < len(joints)
    return np.concatenate([joints, np.zeros((JOINTS - len(joints), 2), np.float32)]), seen


def rough_depth(rng, distance):
    """A depth picture (H, W) as an annotator may see it: contrast bent, edges soft, a slow error."""
    blur, size = rng.uniform(0, 2.0), data.SIZE
    depth = data.depth_of(distance[None] + rng.normal(0, 0.7))[0] ** rng.uniform(0.7, 1.4)
    slow = rng.normal(0, 0.03, (4, 4)).astype(np.float32)
    depth = depth + cv2.resize(slow, (size, size), interpolation=cv2.INTER_CUBIC)
    if blur > 0.3:
        depth = cv2.GaussianBlur(depth, (0, 0), blur)
    return depth_picture(depth)


def rough_pose(rng, joints):
    """A skeleton (H, W, 3) as an annotator may see it: joints a little off, rarely one missing."""
    placed, seen = padded(joints + rng.normal(0, 0.6, joints.shape).astype(np.float32))
    if rng.random() < 0.03:
        seen[rng.integers(1, len(joints))] = False
    return pose_picture(placed, seen)


def _to_segment(columns, rows, start, end):
    """Distance in pixels of each pixel to the segment."""
    along = end - start
    length = float(along @ along)
    x, y = columns - start[0], rows - start[1]
    share = np.clip((x * along[0] + y * along[1]) / max(length, 1e-6), 0, 1)
    return np.hypot(x - share * along[0], y - share * along[1])
