"""Write an evaluation: tables (CSV, Markdown), figures (PNG, SVG) and one self-contained page."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import jinja2
import matplotlib.pyplot as plt
import pandas as pd

from spinetk.datasets.annotated import AnnotatedImage
from spinetk.evaluation.differences import difference_maps
from spinetk.evaluation.figures import all_figures
from spinetk.evaluation.row_tables import Frames
from spinetk.evaluation.tables import markdown
from spinetk.network.loaded import LoadedModel
from spinetk.png import png_of
from spinetk.results.folders import plain_cell

CAPTIONS = {
    "structures": "Detection and outlines by structure",
    "data_sets": "By data set",
    "folds": "By fold",
    "regions": "By region of the spine",
    "levels": "By level",
    "misses": "Missed instances by cause",
    "precision": "Precision and recall at box IoU 0.7",
    "selection": "Slice selection",
    "radiomics": "Radiomics from found against reference masks",
    "sizes": "Lengths, area, ratios and the core's features from found against reference masks",
    "sizes_by_level": "The same by level",
    "angles": "Angles of the column from found against reference masks, in degrees",
    "grades": "Genant's grade from found against reference masks",
    "repeatability": "What measures change by when nothing did",
    "verdicts": "How often the verdict on an instance is right",
    "time": "Seconds an image",
    "participants": "Do training and test participants differ?",
    "dice": "Dice by data set",
    "precision_recall": "Precision over recall; the mark is the threshold picked",
    "bland_altman": "Bland-Altman plots of the features",
    "bland_altman_sizes": "Bland-Altman plots of lengths and area (mm, or pixels)",
}


def write_evaluation(
    out: Path,
    frames: Frames,
    tables: dict[str, pd.DataFrame],
    about: dict[str, Any],
    title: str,
    model_of: Callable[[AnnotatedImage], LoadedModel],
    images: Sequence[AnnotatedImage],
) -> None:
    """Write `tables/`, `figures/` and `report.html` into `out`.

    The page and `figures/differences/` show the data's pixels.

    Args:
        about: what was run, shown on the page.
        model_of: the network that an image was evaluated with.
    """
    for name in ("tables", "figures", "figures/differences"):
        (out / name).mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        cells = table.map(plain_cell)  # names of data sets are anybody's
        cells.to_csv(out / "tables" / f"{name}.csv", index=False, float_format="%.5f")
        (out / "tables" / f"{name}.md").write_text(markdown(table))
    drawn = {}
    for name, figure in all_figures(frames):
        figure.savefig(out / "figures" / f"{name}.svg", metadata={"Date": None})
        figure.savefig(out / "figures" / f"{name}.png", dpi=130)
        plt.close(figure)
        drawn[name] = _embedded((out / "figures" / f"{name}.png").read_bytes())
    pictures = {}
    for name, picture in difference_maps(frames.instances, images, model_of).items():
        png = png_of(picture)
        (out / "figures" / "differences" / f"{name}.png").write_bytes(png)
        pictures[name.replace("_", " ")] = _embedded(png)
    template = jinja2.Environment(autoescape=True).from_string(
        resources.files("spinetk.evaluation").joinpath("report.html").read_text()
    )
    page = template.render(
        title=title, about=about, captions=CAPTIONS, tables=tables, figures=drawn,
        pictures=pictures, markup=_html,
    )  # fmt: skip
    (out / "report.html").write_text(page, encoding="utf-8")


def _html(table: pd.DataFrame) -> str:
    """The Markdown table's cells as HTML, so that both show the same rounding."""
    if table.empty:
        return "<p>nothing to show</p>"
    rows = [
        [html.escape(cell.strip()) for cell in line.strip("|").split("|")]
        for line in markdown(table).strip().splitlines()
    ]
    lines = ["<tr>" + "".join(f"<th>{cell}</th>" for cell in rows[0]) + "</tr>"]
    lines += ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows[2:]]
    return "<table>" + "\n".join(lines) + "</table>"


def _embedded(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
