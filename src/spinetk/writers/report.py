"""report.html: one self-contained page with the outlines, the slice selection and the table."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import numpy as np

from spinetk.measures.alignment import Angle
from spinetk.measures.table import Row
from spinetk.orientation import Upright, upright
from spinetk.png import png_of
from spinetk.selection import supported
from spinetk.structures import BODY_KIND
from spinetk.study import UNSURE_SCORE, Instance, Segmentation, SliceCount
from spinetk.writers.overlay import (
    caption_of,
    colour_of,
    display_centre,
    display_outline,
    display_size,
    upright_gray,
)

CHART_WIDTH, CHART_HEIGHT = 560, 170
LEFT, BOTTOM, TOP = 34, 28, 12

_environment = jinja2.Environment(
    loader=jinja2.PackageLoader("spinetk.writers"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
)


def write_report(
    path: Path,
    result: Segmentation,
    rows: Sequence[Row],
    angles: Sequence[Angle],
    record: dict[str, Any],
) -> None:
    """Write the page; needs no network and no other file to be shown.

    Args:
        rows: of the table of measurements, one an instance.
    """
    view = upright(result.slice)
    columns, height = display_size(view)
    page = _environment.get_template("report.html").render(
        record=record,
        unsure=UNSURE_SCORE,
        rows=rows,
        angles=angles,
        graded=[row for row in rows if row["genant_grade"]],
        judged=any(instance.quality is not None for instance in result.instances),
        in_mm=view.spacing is not None,
        spacing=view.stored.spacing,
        picture=base64.b64encode(png_of(upright_gray(view))).decode("ascii"),
        width=columns,
        height=height,
        shapes=[_shape(view, *item) for item in enumerate(result.instances)],
        chart=selection_chart(result.trace, result.slice_index),
        tied=_tied(result.trace),
        total_seconds=sum(result.seconds.values()),
    )
    path.write_text(page, encoding="utf-8")


def selection_chart(trace: Sequence[SliceCount], chosen: int) -> dict[str, Any]:
    """Bars of the number of bodies and a line of their area on each slice, in SVG units."""
    count = len(trace)
    most = max(1, max(c.bodies for c in trace))
    largest = max(1e-9, max(c.area for c in trace))
    step = (CHART_WIDTH - LEFT - 8) / count
    inner = CHART_HEIGHT - BOTTOM - TOP
    every = max(1, int(np.ceil(count / 16)))
    bars, points = [], []
    for place, item in enumerate(trace):
        tall = inner * item.bodies / most
        left = LEFT + place * step
        bars.append(
            {
                "x": round(left + 0.12 * step, 2),
                "y": round(CHART_HEIGHT - BOTTOM - tall, 2),
                "width": round(0.76 * step, 2),
                "height": round(tall, 2),
                "chosen": item.index == chosen,
                "title": f"slice {item.index}: {item.bodies} bodies, {item.discs} discs",
                "tick": str(item.index) if place % every == 0 or item.index == chosen else "",
                "middle": round(left + step / 2, 2),
            }
        )
        y = CHART_HEIGHT - BOTTOM - inner * item.area / largest
        points.append(f"{left + step / 2:.2f},{y:.2f}")
    ticks = [
        {"y": round(CHART_HEIGHT - BOTTOM - inner * n / most, 2), "text": n}
        for n in range(0, most + 1, max(1, most // 4))
    ]
    return {
        "width": CHART_WIDTH, "height": CHART_HEIGHT, "left": LEFT, "bottom": CHART_HEIGHT - BOTTOM,
        "bars": bars, "line": " ".join(points), "ticks": ticks,
    }  # fmt: skip


def _tied(trace: Sequence[SliceCount]) -> int:
    """Number of slices that tie for the most bodies."""
    counts = supported([count.bodies for count in trace])
    return counts.count(max(counts))


def _shape(view: Upright, index: int, instance: Instance) -> dict[str, Any]:
    polygons = display_outline(view, instance.mask)
    middle = display_centre(view, instance.mask)
    path = " ".join(
        "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in polygon) + " Z" for polygon in polygons
    )
    red, green, blue = colour_of(instance)
    return {
        "path": path,
        "colour": f"rgb({red},{green},{blue})",
        "caption": caption_of(instance) if instance.kind == BODY_KIND else "",
        "title": f"{instance.kind.replace('_', ' ')} {caption_of(instance)}, "
        f"score {instance.score:.2f}"
        + (f", quality {instance.quality:.2f}" if instance.quality is not None else ""),
        "x": round(float(middle[0]), 1),
        "y": round(float(middle[1]), 1),
        "row": index,
    }
