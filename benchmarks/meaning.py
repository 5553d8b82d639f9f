"""Valid studies stored in other ways, thousands of them: python benchmarks/meaning.py [COUNT]

Two volumes, one of voxels whose values tell where they lie and the phantom, are stored as people and programs store
them: axes permuted and mirrored, oblique, sheared, with rounded, scaled or contradicting headers, in NIfTI, MHA and
NRRD; as DICOM with its files renamed and shuffled, patients, stations, echoes and notes mixed under one Series UID, rows
mirrored with their directions, slices missing. Of the first, every voxel that is read and placed in the patient must
have the value that lies there, and a series hold one patient only; the second is segmented, and every outline must
lie, more than half of it, on the body or disc whose name it bears, the middle of a body within 2 mm, with its area in
mm2. An image and its labels, each stored in its own way, are converted: every outline must lie on the pixels of its level,
or the pair be refused where it cannot be right. Where the header cannot be trusted there must be no millimetres. Writes docs/results/meaning.md.
"""

from __future__ import annotations

import collections
import shutil
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.meanings.held import NO_MILLIMETRES, RIGHT, outlines, voxels
from benchmarks.meanings.pairs import converted
from benchmarks.meanings.stores import store_dicom, store_volume
from benchmarks.meanings.volumes import Volume, coded, spine
from spinetk.errors import SpineError
from spinetk.network.loaded import LoadedModel, load_model

ROOT = Path(__file__).parents[1]
COUNT = 2000
READ, SEGMENTED, CONVERTED = "read", "segmented", "converted"
ENDS = {
    RIGHT: RIGHT,
    NO_MILLIMETRES: NO_MILLIMETRES,
    "refused": "refused",
    "WRONG": "wrong without a word",
    "BUG": "unforeseen error",
}


@cache
def _volume(what: str) -> Volume:
    return coded() if what == READ else spine()


@cache
def _models() -> dict[str, LoadedModel]:
    return {"mr": load_model("mr", threads=1)}


def tried(task: tuple[str, int, str]) -> tuple[str, str]:
    """(how it was stored, how it ended) of one of the volumes."""
    what, number, folder = task
    rng = np.random.default_rng(number)
    path = Path(folder) / f"{what}-{number}"
    path.mkdir()
    if what == CONVERTED:
        return _converted(rng, path)
    stored, trusted = (store_dicom if number % 2 else store_volume)(rng, path, _volume(what))
    try:
        if what == READ:
            return stored, voxels(path, _volume(what), trusted)
        return stored, outlines(path, path / "out", _volume(what), trusted, _models())
    except SpineError as error:
        return stored, "refused" if "\n" not in str(error) else "BUG: several lines"
    except Exception as error:  # what the benchmark is for
        return stored, f"BUG: {error!r}"
    finally:
        shutil.rmtree(path)


def _converted(rng: np.random.Generator, path: Path) -> tuple[str, str]:
    try:
        return converted(rng, path, _volume(CONVERTED))
    except Exception as error:  # what the benchmark is for
        return "labels", f"BUG: {error!r}"
    finally:
        shutil.rmtree(path)


def table(what: str, count: int) -> tuple[pd.DataFrame, list[str]]:
    """How `count` stored volumes ended by the way in which they were stored, and every fault."""
    ends: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    faults = []
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor() as pool:
        tasks = [(what, number, folder) for number in range(count)]
        for (_, number, _), (stored, end) in zip(tasks, pool.map(tried, tasks), strict=True):
            ends[stored][end.split(":")[0]] += 1
            if end.startswith(("WRONG", "BUG")):
                faults.append(f"{what} {number}: {stored}: {end}")
    rows = pd.DataFrame([{"stored": s, **{c: ends[s][c] for c in ENDS}} for s in sorted(ends)])
    rows.loc[len(rows)] = ["all", *rows[list(ENDS)].sum()]
    return rows.rename(columns=ENDS), faults


def main(count: int) -> None:
    text, faults = [], []
    for what in (READ, SEGMENTED, CONVERTED):
        start = time.perf_counter()
        rows, more = table(what, count)
        faults += more
        text.append(
            f"`python benchmarks/meaning.py {count}`: {count} valid studies stored in other ways and {what} in "
            f"{time.perf_counter() - start:.0f} s.\n\n{rows.to_markdown(index=False)}\n"
        )
    print("\n".join(faults[:20]))
    (ROOT / "docs" / "results" / "meaning.md").write_text("\n".join(text))
    sys.exit(bool(faults))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)
