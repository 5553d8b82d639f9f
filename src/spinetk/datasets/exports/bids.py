"""Results as BIDS derivatives (Brain Imaging Data Structure 1.10: segmentations, "dseg")."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import spinetk
from spinetk.atomic import whole_file, write_text
from spinetk.errors import UsageError
from spinetk.results.folders import results_below
from spinetk.results.looks import decisions_in
from spinetk.results.record import Record
from spinetk.results.versions import latest

ENTITIES = ("sub", "ses", "acq", "ce", "rec", "run")
"""Those of an input's name that its derivatives keep, in their order."""
SUFFIXES = ("T1w", "T2w", "PDw", "FLAIR", "ct", "xray")
UNKNOWN_CONTRAST = "MRI"
"""Of an MR image whose name says nothing: BIDS has suffixes for weightings only, so validators ask
about it; T2w would be made up."""
MISSING = "n/a"
"""An empty cell (BIDS, tabular files)."""


def export_bids(folder: Path, out: Path) -> Counter[str]:
    """Write the newest version of every result below a folder.

    Each becomes `sub-X[/ses-Y]/anat/sub-X[_ses-Y]..._desc-slice_T2w.nii.gz` (the segmented slice;
    without a BIDS name of the input the suffix is the modality's: ct, xray, or MRI) with its labels
    `..._desc-spine_dseg.nii.gz`, a table `..._dseg.tsv` of their indices, names and measures, and
    `..._dseg.json` on how they were made.

    Returns:
        How many results were written ("results"), and how many were left out, by reason.

    Raises:
        UsageError: `out` holds something, or no result has images.
    """
    if out.exists() and any(out.iterdir()):
        raise UsageError("is not empty", out)
    counts: Counter[str] = Counter()
    newest = latest(results_below(folder))
    subjects = _subjects([(place.parent, record) for place, record in newest.items()])
    said = {parent: decisions_in(parent) for parent in {place.parent for place in newest}}
    taken: Counter[str] = Counter()
    for place, record in newest.items():
        decision = said[place.parent].get(place.name)
        if decision == "reject":
            counts["that a person rejected"] += 1
            continue
        needed = [place / name for name in ("image.nii.gz", "mask.nii.gz", "instances.csv")]
        if not all(path.is_file() for path in needed):
            counts["without image.nii.gz, mask.nii.gz and instances.csv"] += 1
            continue
        rows = _rows(place / "instances.csv")
        if rows is None:
            counts["whose instances.csv is damaged"] += 1
            continue
        entities, suffix = bids_name(record)
        stem = "_".join([f"sub-{subjects[_subject(place.parent, record)]}", *entities[1:]])
        taken[stem] += 1  # T1w and T2w of one session, say: labels have no such suffix
        again = "" if taken[stem] == 1 else str(taken[stem])
        _write(out, (stem, suffix, again), place, record, rows, decision == "accept")
        counts["results"] += 1
    if not counts["results"]:
        raise UsageError("holds no result with image.nii.gz, mask.nii.gz and instances.csv", folder)
    about = {
        "Name": "Vertebral bodies and intervertebral discs",
        "BIDSVersion": "1.10.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "SpineTK", "Version": spinetk.__version__}],
    }
    write_text(out / "dataset_description.json", json.dumps(about, indent=1) + "\n")
    return counts


def _subject(parent: Path, record: Record) -> tuple[Path, str]:
    """Who a result is of, as far as names tell: `sub-01` of another folder is another person, and
    so are `a_1` and `a1`."""
    key = record.series_key
    named = re.search(r"(?:^|_)sub-([0-9A-Za-z]+)", key)
    return parent, named[0].strip("_") if named else key


def _subjects(results: Sequence[tuple[Path, Record]]) -> dict[tuple[Path, str], str]:
    """The label of each subject: that of its name, with four digits of a hash behind it where
    another has that already."""
    labels: dict[tuple[Path, str], str] = {}
    for parent, record in results:
        who = _subject(parent, record)
        if who in labels:
            continue
        label = bids_name(record)[0][0].removeprefix("sub-")
        for number in range(len(results) + 1):
            if label not in labels.values():
                break
            text = f"{parent.name}/{who[1]}/{number}"
            label = f"{label}x{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:4]}"
        labels[who] = label
    return labels


def bids_name(record: Record) -> tuple[list[str], str]:
    """The entities, the subject first, and the suffix of a result's name.

    What the input's name says is kept; any other key becomes the subject, of letters and digits
    alone.
    """
    key = record.series_key
    said = dict(re.findall(r"(?:^|_)([a-z]+)-([0-9A-Za-z]+)", key))
    suffix = {"CT": "ct", "XR": "xray"}.get(record.modality or "", _weighting(key))
    suffix = next((text for text in SUFFIXES if key.endswith(f"_{text}")), suffix)
    if "sub" not in said:
        said = {"sub": re.sub(r"[^0-9A-Za-z]", "", key) or "unknown"}
    entities = [f"{name}-{said[name]}" for name in ENTITIES if name in said]
    if record.options.get("slice") not in (None, "auto"):
        entities.append(f"chunk-{record.selected_slice}")
    return entities, suffix


def _weighting(key: str) -> str:
    """The suffix of an MR image whose name has it in its middle or in another spelling (t1w_sag).
    T1 alone may be a vertebra, a session or a time."""
    found = {word[:2].upper() for word in key.split("_") if word.lower() in ("t1w", "t2w", "pdw")}
    return f"{found.pop()}w" if len(found) == 1 else UNKNOWN_CONTRAST


def _rows(path: Path) -> list[dict[str, str]] | None:
    """Rows of a table of instances; None where it is damaged."""
    try:
        with path.open(encoding="utf-8", newline="") as content:
            rows = list(csv.DictReader(content, strict=True))
    except (ValueError, csv.Error):
        return None
    needed = {"label", "level", "kind", "order"}
    whole = all(needed <= row.keys() and None not in (*row, *row.values()) for row in rows)
    return rows if whole else None


def _write(
    out: Path,
    name: tuple[str, str, str],
    place: Path,
    record: Record,
    rows: list[dict[str, str]],
    accepted: bool,
) -> None:
    """Write one result's files; the name is its entities, its suffix, and a number where another
    result has both."""
    stem, suffix, again = name
    parts = [part for part in stem.split("_") if part[:4] in ("sub-", "ses-")]
    folder = out.joinpath(*parts, "anat")
    folder.mkdir(parents=True, exist_ok=True)
    labels = folder / f"{stem}_desc-spine{again}_dseg"
    shutil.copyfile(place / "image.nii.gz", folder / f"{stem}_desc-slice{again}_{suffix}.nii.gz")
    shutil.copyfile(place / "mask.nii.gz", f"{labels}.nii.gz")
    columns = ["index", "name", *(name for name in rows[0] if name != "label")] if rows else []
    with whole_file(Path(f"{labels}.tsv")) as unfinished, unfinished.open("w", newline="") as file:
        table = csv.writer(file, dialect="excel-tab", lineterminator="\n")
        table.writerow(columns or ["index", "name"])
        for row in rows:
            said = row["level"] or f"{row['kind']} {row['order']}"
            values = [row["label"], said, *(row[column] for column in columns[2:])]
            table.writerow([value if value != "" else MISSING for value in values])
    made = {
        "Manual": record.correction is not None,
        "AcceptedByPerson": accepted,
        "SegmentedSlice": record.selected_slice,
        "Network": {"Name": record.model.name, "SHA256": record.model.sha256},
        "Warnings": [warning.text for warning in record.warnings],
    }
    write_text(Path(f"{labels}.json"), json.dumps(made, indent=1) + "\n")
