"""One self-contained page over a cohort: verdicts, the spread of each measure, what stands out, and
a contact sheet of overlays, worst first."""

from __future__ import annotations

import base64
import csv
import io
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from spinetk.cohort.distributions import FAR, FEWEST, Outlier, Place, Spread, outliers, spreads
from spinetk.cohort.html import write_html
from spinetk.cohort.long_table import TABLE
from spinetk.results.looks import decisions_in, judged
from spinetk.results.versions import last_versions
from spinetk.study import Judgement

PAGE = "cohort.html"
MOST_PICTURES = 200
"""Of the contact sheet: the worst; a page of more is too large to open."""
PICTURE_HEIGHT = 220
MOST_PIXELS = 40_000_000
"""Of an overlay that is shown."""
MOST_DOTS = 200
"""Of a level."""
RANK: dict[Judgement | None, int] = {"reject": 0, "check": 1, None: 2, "ok": 3}
WIDTH, LEFT, ROW, TOP = 640, 96, 20, 6
"""Of a drawing, in its own units: a level is a row."""


@dataclass(frozen=True)
class Listed:
    """A result on the contact sheet."""

    key: str
    verdict: Judgement | None
    reasons: tuple[str, ...]
    bodies: int
    has_report: bool
    decision: str


def write_page(out: Path, unread: Collection[str] = ()) -> Path:
    """Write the page beside the results; the table must be there (`long_table.write_table`).

    Args:
        unread: keys of results that are not in the table.
    """
    counts: Counter[str] = Counter()
    networks: Counter[str] = Counter()
    decisions: Counter[str] = Counter()
    warned: Counter[str] = Counter()
    worst: list[Listed] = []
    decided = decisions_in(out)
    for folder, record in last_versions(out):
        if folder.name in unread:
            continue
        decision = decided.get(folder.name, "")
        verdict = judged(record.verdict, decision)
        counts[verdict or "not judged"] += 1
        networks[record.model.name] += 1
        warned.update({w.code for w in record.warnings if w.severity == "check"})
        report = (folder / "report.html").is_file()
        told = folder.name, verdict, record.reasons, record.bodies
        worst.append(Listed(*told, report, decision))
        decisions.update([decision] if decision else [])
        if len(worst) > 2 * MOST_PICTURES:
            worst = _worst(worst)
    found = spreads(out / TABLE)
    sheet = _worst(worst)
    write_html(
        out / PAGE, "page.html",
        failed=_failed(out), needed=FEWEST,
        counts=counts, decisions=decisions, networks=networks,
        warned=warned.most_common(), total=counts.total(),
        drawings=_drawings(found), outliers=_grouped(outliers(out / TABLE, found)), far=FAR,
        sheet=[(item, _thumbnail(out / item.key / "overlay.png")) for item in sheet],
        reports=_with_reports(out),
    )  # fmt: skip
    return out / PAGE


def _failed(out: Path) -> list[tuple[str, str]]:
    """Key and reason of what gave no result."""
    path = out / "failures.csv"
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8", errors="replace") as stream:
        return [(row.get("key") or "", row.get("reason") or "") for row in csv.DictReader(stream)]


def _worst(items: Sequence[Listed]) -> list[Listed]:
    ranked = sorted(items, key=lambda item: (RANK[item.verdict], -len(item.reasons), item.key))
    return ranked[:MOST_PICTURES]


def _with_reports(out: Path) -> set[str]:
    return {path.parent.name for path in out.glob("*/report.html")}


def _grouped(found: Sequence[Outlier]) -> list[tuple[str, list[Outlier]]]:
    """By result, in the order of each one's furthest value."""
    groups: dict[str, list[Outlier]] = {}
    for outlier in found:
        groups.setdefault(outlier.result, []).append(outlier)
    return list(groups.items())


def _drawings(found: Mapping[Place, Spread]) -> list[dict[str, Any]]:
    """Of each measure, unit, modality and structure: a row a level, its values on one scale."""
    groups: dict[tuple[str, ...], list[tuple[str, Spread]]] = {}
    for (*thing, level), spread in found.items():
        groups.setdefault(tuple(thing), []).append((level, spread))
    several = len({modality for _, _, modality, _ in groups}) > 1
    drawn = []
    for (measure, unit, modality, structure), rows in groups.items():
        values = [value for _, spread in rows for value in spread.sample]
        low, high = min(values), max(values)
        scale = (WIDTH - LEFT - 20) / ((high - low) or 1.0)

        def at(value: float, low: float = low, scale: float = scale) -> float:
            return round(LEFT + (value - low) * scale, 1)

        drawn.append(
            {
                "measure": measure.replace("_", " "),
                "unit": unit,
                "structure": structure.replace("_", " ")
                + (f", {modality or 'no known modality'}" if several else ""),
                "low": low,
                "high": high,
                "width": WIDTH,
                "height": TOP + ROW * len(rows) + 4,
                "left": LEFT,
                "rows": [
                    {
                        "level": level or "not named",
                        "count": spread.count,
                        "y": TOP + ROW * k + ROW / 2,
                        "dots": [at(value) for value in _few(spread.sample)],
                        "box": [at(value) for value in spread.quartiles],
                        "median": spread.quartiles[1],
                    }
                    for k, (level, spread) in enumerate(rows)
                ],
            }
        )
    return drawn


def _few(values: Sequence[float]) -> list[float]:
    """Up to `MOST_DOTS` of the values, evenly from the smallest to the largest."""
    return sorted(values)[:: max(1, -(-len(values) // MOST_DOTS))]


def _thumbnail(path: Path) -> str | None:
    """A small JPEG of an overlay as a data address; None without one, or of one that is no picture
    of ours."""
    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return None
            picture.thumbnail((3 * PICTURE_HEIGHT, PICTURE_HEIGHT))
            coded = io.BytesIO()
            picture.convert("RGB").save(coded, "JPEG", quality=80)
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    return "data:image/jpeg;base64," + base64.b64encode(coded.getvalue()).decode()
