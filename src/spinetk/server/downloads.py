"""What leaves the server as one file: archives of results, and corrections as a data set."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path

from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from spinetk.datasets.converters.convert import Conversion, convert
from spinetk.errors import UsageError
from spinetk.results.folders import results_in
from spinetk.results.keys import study_part, version_number
from spinetk.server.job_folder import JOB_FOLDER


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
        for path, record in results_in(place) if place.is_dir() else ():
            if record.correction:
                version, base = version_number(record.key), record.original_key
                latest[base] = max(latest.get(base, (0, path)), (version, path))
        for base, (_, path) in latest.items():
            found += 1
            # where no PatientID tells the patient, the first eight characters do: the study's of a
            # DICOM series, else the upload's (in a folder of many studies the result's), so that
            # no patient is in training and in test
            upload = place.parent.name if JOB_FOLDER.fullmatch(place.parent.name) else ""
            digest = hashlib.sha256(base.encode(errors="replace")).hexdigest()
            patient = study_part(path.name) or (upload or digest)[:8]
            shutil.copytree(path, chosen / f"{patient}-{found}")
    if not found:
        raise UsageError("nothing was corrected yet: save a version first")
    convert("results", chosen, folder / "dataset", Conversion(exhaustive=exhaustive))
    return folder / "dataset"


def zipped(folder: Path, work: Path, name: str) -> FileResponse:
    """A folder as an archive in `work`, which is deleted once it is sent (or swept later)."""
    with zipfile.ZipFile(work / name, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if path.is_file() and not any(part.startswith(".") for part in inside.parts):
                archive.write(path, inside)
    done = BackgroundTask(shutil.rmtree, work, ignore_errors=True)
    return FileResponse(work / name, filename=name, background=done)
