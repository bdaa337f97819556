"""The canny annotator as defined for the whole project; the TypeScript one must give these pixels.

1. 3x3 Gaussian blur (1 2 1) per channel, border reflected without repeating the edge pixel.
2. 3x3 Sobel dx and dy per channel, 16 bit, border pixels repeated.
3. Per pixel the channel with the largest |dx| + |dy|; of equal ones the first (R, then G, then B).
4. Canny's thinning and hysteresis on that (dx, dy), strength |dx| + |dy|, thresholds `low`, `high`.

Grey levels alone would miss outlines between colours of one brightness, such as blue on brown.
"""

import cv2
import numpy as np

LOW, HIGH = 60, 150


def canny(rgb, low=LOW, high=HIGH):
    """Edges of a picture, uint8 (H, W, 3), as uint8 (H, W) of 0 and 255."""
    blurred = cv2.GaussianBlur(rgb, (3, 3), 0, borderType=cv2.BORDER_REFLECT_101)
    dx = cv2.Sobel(blurred, cv2.CV_16S, 1, 0, ksize=3, borderType=cv2.BORDER_REPLICATE)
    dy = cv2.Sobel(blurred, cv2.CV_16S, 0, 1, ksize=3, borderType=cv2.BORDER_REPLICATE)
    strongest = (np.abs(dx).astype(np.int32) + np.abs(dy)).argmax(-1)[..., None]
    dx, dy = (np.take_along_axis(d, strongest, -1)[..., 0] for d in (dx, dy))
    return cv2.Canny(
        np.ascontiguousarray(dx), np.ascontiguousarray(dy), low, high, L2gradient=False
    )
