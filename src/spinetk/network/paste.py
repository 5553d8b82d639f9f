"""Paste a mask from the network's grid into a slice, at sub-pixel precision."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def paste_mask(
    soft: NDArray[np.float32], box: NDArray[np.float32], height: int, width: int
) -> NDArray[np.bool_]:
    """Sample a soft mask at the centres of the slice's pixels and cut it at 0.5.

    Args:
        soft: float32 [M, M], 0..1; cell (0, 0) covers the box's top left corner.
        box: float32 [4], xyxy in slice pixels; may reach beyond the slice.
        height, width: of the slice.

    Returns:
        bool [height, width]; the largest connected piece, without holes.
    """
    side = soft.shape[0]
    left, top = (max(0, int(np.floor(v))) for v in box[:2])
    right, bottom = min(width, int(np.ceil(box[2]))), min(height, int(np.ceil(box[3])))
    out = np.zeros((height, width), dtype=bool)
    if right <= left or bottom <= top:
        return out
    # a pixel's centre lies at +0.5 of its corner, a cell's centre likewise
    columns = (np.arange(left, right) + 0.5 - box[0]) / (box[2] - box[0]) * side - 0.5
    rows = (np.arange(top, bottom) + 0.5 - box[1]) / (box[3] - box[1]) * side - 0.5
    grid_x, grid_y = np.meshgrid(columns.astype(np.float32), rows.astype(np.float32))
    sampled = cv2.remap(soft, grid_x, grid_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    out[top:bottom, left:right] = _main_piece(sampled >= 0.5)
    return out


def _main_piece(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Largest 4-connected piece with its holes filled."""
    if not mask.any():
        return mask
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=4
    )
    if count > 2:
        mask = pieces == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros(mask.shape, dtype=np.uint8)
    cv2.drawContours(filled, contours, -1, 1, thickness=cv2.FILLED)
    return filled.astype(bool)
