"""The segmented slice with outlines and level names, as a picture for people."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from spinetk.boxes import mask_centre
from spinetk.intensity import to_unit_range
from spinetk.orientation import Upright, upright
from spinetk.png import png_of
from spinetk.structures import BODY_KIND
from spinetk.study import Instance, Segmentation

SHORTEST_SIDE = 900
"""Small slices are enlarged so that the longer side has about this many pixels."""
BODY_COLOURS = ((102, 194, 255), (92, 214, 160))
"""RGB of bodies, alternating along the column so that neighbours differ."""
OTHER_COLOUR = (255, 190, 80)


def upright_gray(view: Upright) -> NDArray[np.uint8]:
    """The slice head up, anterior left, 8-bit with the network's window and square pixels."""
    gray = (to_unit_range(view.visible) * 255).round().astype(np.uint8)
    return np.asarray(cv2.resize(gray, display_size(view), interpolation=cv2.INTER_CUBIC))


def display_size(view: Upright) -> tuple[int, int]:
    """(columns, rows) of the upright slice for display."""
    height, width = view.shape
    spacing = view.spacing or (1.0, 1.0)
    tall, wide = height * spacing[0], width * spacing[1]
    factor = max(height, width, SHORTEST_SIDE) / max(tall, wide)
    return round(wide * factor), round(tall * factor)


def display_outline(view: Upright, mask: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Outlines of a mask in display pixels: a list of [N, 2] (x, y) polygons along pixel edges.

    Args:
        mask: bool [H, W] on the stored slice's grid.
    """
    turned = view.turn.apply(mask)
    columns, rows = display_size(view)
    scale = np.array([columns / turned.shape[1], rows / turned.shape[0]])
    # enlarged smoothly before it is traced: the outline stays within half a pixel of the mask's
    big = cv2.resize(turned.astype(np.float32), (columns, rows), interpolation=cv2.INTER_LINEAR)
    contours, _ = cv2.findContours(
        (big >= 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    polygons = []
    for contour in contours:
        close = cv2.approxPolyDP(contour, 0.2 * float(scale.min()), True)[:, 0]
        polygons.append(close.astype(np.float64) + 0.5)
    return polygons


def display_centre(view: Upright, mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Centre (x, y) in display pixels of a mask on the stored slice's grid."""
    turned = view.turn.apply(mask)
    scale = np.array(display_size(view)) / turned.shape[::-1]
    return (np.array(mask_centre(turned)) + 0.5) * scale


def colour_of(instance: Instance) -> tuple[int, int, int]:
    """RGB of an instance's outline."""
    if instance.kind == BODY_KIND:
        return BODY_COLOURS[instance.order % 2]
    return OTHER_COLOUR


def caption_of(instance: Instance) -> str:
    """Level, or the order from below where the level is not known."""
    return instance.level or f"#{instance.order}"


def write_overlay(path: Path, result: Segmentation) -> None:
    """Write the drawing as a picture."""
    path.write_bytes(png_of(draw_overlay(result)))


def draw_overlay(result: Segmentation) -> NDArray[np.uint8]:
    """The slice with an outline for each instance and a caption for each body: uint8 [H, W, 3],
    blue, green, red."""
    view = upright(result.slice)
    canvas = cv2.cvtColor(upright_gray(view), cv2.COLOR_GRAY2BGR)
    thickness = max(1, round(max(canvas.shape[:2]) / 700))
    for instance in result.instances:
        bgr = colour_of(instance)[::-1]
        for polygon in display_outline(view, instance.mask):
            points = np.round(polygon).astype(np.int32)
            cv2.polylines(canvas, [points], True, bgr, thickness, cv2.LINE_AA)
        if instance.kind == BODY_KIND:
            _caption(canvas, view, instance, bgr)
    return np.asarray(canvas, dtype=np.uint8)


def _caption(
    canvas: NDArray[np.uint8], view: Upright, instance: Instance, bgr: tuple[int, ...]
) -> None:
    centre = display_centre(view, instance.mask)
    size = max(canvas.shape[:2]) / 1400
    text = caption_of(instance)
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    corner = (int(centre[0] - width / 2), int(centre[1] + height / 2))
    for colour, thickness in (((0, 0, 0), 3), (bgr, 1)):
        cv2.putText(
            canvas, text, corner, cv2.FONT_HERSHEY_SIMPLEX, size, colour, thickness, cv2.LINE_AA
        )
