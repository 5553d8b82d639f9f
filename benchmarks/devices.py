"""What another device gives than the processor: python benchmarks/devices.py DEVICE

In an environment whose build of ONNX Runtime has the device. The phantom in every look that a network is shipped for is
segmented on both; writes the device's rows of docs/results/devices.md, which docs/performance.md quotes.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime

from spinetk.boxes import dice
from spinetk.measures.table import measurements
from spinetk.network.devices import CPU
from spinetk.network.loaded import load_model
from spinetk.phantom import PhantomConfig, make_phantom, write_phantom
from spinetk.pipeline import segment
from spinetk.readers import read

ROOT = Path(__file__).parents[1]
STORED = ROOT / "docs" / "results" / "devices.json"
LOOKS = {"T2": "mr", "T1": "mr", "CT": "ct", "XR": "xr"}
HEIGHTS = ("height_anterior_mm", "height_middle_mm", "height_posterior_mm")


def row(look: str, device: str, folder: Path) -> dict[str, object]:
    """How far the results of a device are from those of the processor, on one phantom."""
    slices = 1 if look == "XR" else 9
    write_phantom(make_phantom(PhantomConfig(slices=slices, samples=1, look=look)), folder)
    [series] = read(folder / "dicom").series
    found = [segment(series, load_model(LOOKS[look], device=on)) for on in (CPU, device)]
    pairs = [
        (a, b, one, other)
        for (a, one), (b, other) in (
            (first, second)
            for first in zip(found[0].instances, measurements(found[0]), strict=True)
            for second in zip(found[1].instances, measurements(found[1]), strict=True)
        )
        if a.kind == b.kind and dice(a.mask, b.mask) > 0.5
    ]
    away = [
        abs(float(one[name]) - float(other[name]))
        for _, _, one, other in pairs
        for name in HEIGHTS
        if one[name] is not None and other[name] is not None
    ]
    return {
        "device": f"{device} ({onnxruntime.__version__})",
        "look": look,
        "slice": f"{found[0].slice_index} / {found[1].slice_index}",
        "structures": f"{len(found[0].instances)} / {len(found[1].instances)}",
        "found by both": len(pairs),
        "levels alike": sum(a.level == b.level for a, b, _, _ in pairs),
        "lowest Dice": round(min(dice(a.mask, b.mask) for a, b, _, _ in pairs), 3),
        "heights apart, mm, median": round(float(np.median(away)), 2) if away else None,
        "at most": round(max(away), 2) if away else None,
    }


def told(rows: list[dict[str, object]]) -> str:
    """The rows as Markdown."""
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += [
        "| " + " | ".join("" if r[n] is None else str(r[n]) for n in names) + " |" for r in rows
    ]
    head = "`python benchmarks/devices.py DEVICE`: the phantom on the processor / on the device."
    return f"{head}\n\n" + "\n".join(lines) + "\n"


def main(device: str) -> None:
    """Renew the rows of one device."""
    known = json.loads(STORED.read_text()) if STORED.is_file() else {}
    with tempfile.TemporaryDirectory() as name:
        known[device] = [row(look, device, Path(name) / look) for look in LOOKS]
    STORED.write_text(json.dumps(known, indent=1) + "\n")
    text = told([one for rows in known.values() for one in rows])
    STORED.with_suffix(".md").write_text(text)
    print(text)


if __name__ == "__main__":
    main(sys.argv[1])
