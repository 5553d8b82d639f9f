"""Corrections as a data set: what a network is trained further on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from spinetk.converters.run import Conversion, convert
from spinetk.errors import UsageError
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
        for path in sorted(place.glob("*/run.json")):
            record = json.loads(path.read_text())
            if record.get("correction"):
                version = int(path.parent.name.rpartition("-")[2])
                base = original_key(path.parent.name)
                latest[base] = max(latest.get(base, (0, path)), (version, path.parent))
        for base, (_, path) in latest.items():
            found += 1
            # the same study may have been uploaded twice: the later job's is taken
            shutil.rmtree(chosen / base, ignore_errors=True)
            shutil.copytree(path, chosen / base)
    if not found:
        raise UsageError("nothing was corrected yet: save a version first")
    convert("results", chosen, folder / "dataset", Conversion(exhaustive=exhaustive))
    return folder / "dataset"
