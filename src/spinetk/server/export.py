"""Corrections as a data set: what a network is trained further on."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from spinetk.converters.run import Conversion, convert
from spinetk.errors import UsageError
from spinetk.results import results_in
from spinetk.server.review import original_key


def corrections(results: Iterable[Path], folder: Path, exhaustive: bool) -> Path:
    """Write the latest corrected version of every result as a data set (docs/reference/dataset.md).

    Args:
        results: folders of jobs' results.
        folder: empty; the data set goes into `dataset` in it.
        exhaustive: every visible instance of the classes that occur is outlined.

    Raises:
        UsageError: nothing was corrected.
    """
    chosen = folder / "chosen"
    chosen.mkdir()
    found = 0
    for place in results:
        latest: dict[str, tuple[int, Path]] = {}
        for one, record in results_in(place).items() if place.is_dir() else ():
            if record.get("correction"):
                version, base = int(one.name.rpartition("-")[2]), original_key(one)
                latest[base] = max(latest.get(base, (0, one)), (version, one))
        for _, path in latest.values():
            found += 1
            # where no PatientID tells the patient, the first eight characters do: the study's of a
            # DICOM series, else the upload's, so that no patient is in training and in test
            dicom = re.match(r"([0-9a-f]{8})-\d+(-|$)", path.name)
            patient = dicom[1] if dicom else place.parent.name[:8]
            shutil.copytree(path, chosen / f"{patient}-{found}")
    if not found:
        raise UsageError("nothing was corrected yet: save a version first")
    convert("results", chosen, folder / "dataset", Conversion(exhaustive=exhaustive))
    return folder / "dataset"
