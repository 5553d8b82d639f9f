"""The list of studies of `spinetk segment --studies`: what is to be asked of each.

path,key,anchor,modality,spacing,slice
p01/t2.nii.gz,P01,L5=2,mr,,
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from spinetk.batch_options import OneStudy
from spinetk.cli_common import MODALITIES, VIEW_CHOICES
from spinetk.cli_options import anchor_of, one_of, slice_choice, spacing_of
from spinetk.errors import SpineError, UsageError
from spinetk.spreadsheet import table_of

FIELDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "anchor": ("anchor", anchor_of),
    "modality": ("modality", lambda text: one_of("modality", text.lower(), MODALITIES)),
    "spacing": ("spacing", lambda text: spacing_of(text.replace(" ", ","))),
    "view": ("view", lambda text: one_of("view", text.lower(), VIEW_CHOICES)),
    "slice": ("slices", slice_choice),
}
"""Columns, the option that each changes, and what its words mean."""
COLUMNS = ("path", "key", *FIELDS)


def read_studies(path: Path) -> tuple[OneStudy, ...]:
    """Read the list: commas, semicolons or tabs between its columns, which come in any order; a
    path is from the list's own folder. Empty cells change nothing.

    Raises:
        UsageError: it cannot be read, has another column, or a row is wrong: its line is named.
    """
    columns, rows = table_of(path, "a list of studies")
    if "path" not in columns or set(columns) - set(COLUMNS):
        raise UsageError(f"needs the column path, and may have {', '.join(COLUMNS[1:])}", path)
    studies: list[OneStudy] = []
    for line, row in rows:
        cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
        if not any(cells.values()):
            continue
        where = f"{path}, line {line}"
        if not cells["path"]:
            raise UsageError("has no path", where)
        try:
            changes = {
                option: meaning(cells[name])
                for name, (option, meaning) in FIELDS.items()
                if cells[name]
            }
        except SpineError as error:
            raise UsageError(error.reason, where) from error
        if changes.get("slices") == "all":
            raise UsageError("slice: auto, per-body or a number", where)
        place = path.parent / cells["path"]
        if any(study.path == place for study in studies):
            raise UsageError(f"names {cells['path']} a second time: a study has one row", where)
        if not place.exists():
            raise UsageError(f"there is no {cells['path']}", where)
        studies.append(OneStudy(place, path.parent, cells["key"] or None, changes))
    if not studies:
        raise UsageError("names no study", path)
    keys = [study.key for study in studies if study.key]
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise UsageError(f"has the key {twice} twice", path)
    return tuple(studies)
