"""Memory and time of reading and searching a CT of many images: python benchmarks/long_ct.py [IMAGES]

Writes a DICOM series of IMAGES (2000) axial images of 512 x 512 (half a gigabyte for every thousand) of a phantom, 700 mm
in all, reads it in a new
process, cuts it in the sagittal plane and searches every tenth cut; prints and writes docs/results/long-ct.md.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from spinetk.phantom import PhantomConfig, make_phantom
from tests.make_dicom import axial, write_classic

ROOT = Path(__file__).parents[1]
PROGRAM = """
import json, resource, sys, time
from pathlib import Path
start = time.perf_counter()
from spinetk.network.loaded import load_model
from spinetk.orientation import upright
from spinetk.pipeline import outline
from spinetk.readers import read
[series] = read(sys.argv[1]).series
reading = time.perf_counter() - start
loaded = load_model("ct")
start, found = time.perf_counter(), 0
searched = range(0, len(series.slices), 10)
for index in searched:
    found = max(found, len(outline(upright(series.slices[index]), loaded, 0.5, "CT")))
print(json.dumps({"seconds to read": round(reading, 1), "cuts": len(series.slices), "cuts searched": len(searched),
    "seconds a cut": round((time.perf_counter() - start) / len(searched), 3), "most instances on a cut": found,
    "peak memory MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
"""


def main(images: int) -> None:
    body = make_phantom(
        PhantomConfig(
            look="CT", slices=64, slice_distance=1.0, spacing=1.0, height=700, width=512, samples=1
        )
    )
    stack, directions, places = axial(body)
    with tempfile.TemporaryDirectory() as folder:
        wide = np.full((512, 512), -1000.0, dtype=np.float32)
        repeated, at = [], []
        for k in range(images):
            image = wide.copy()
            image[:, 224:288] = stack[k * len(stack) // images]
            repeated.append(image)
            x, y, z = places[0]
            at.append((x - 224, y, z - k * len(stack) / images))
            if len(repeated) == 200 or k == images - 1:
                part = Path(folder) / f"{k:05d}"
                write_classic(part, np.stack(repeated), directions, at, (1.0, 1.0), StudyInstanceUID="1.2.3",
                              SeriesInstanceUID="1.2.4")  # fmt: skip
                repeated, at = [], []
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, folder], capture_output=True, text=True, check=True
        )
    figures = {"images": images} | json.loads(done.stdout.splitlines()[-1])
    lines = [
        "| " + " | ".join(figures) + " |",
        "|" + "---|" * len(figures),
        "| " + " | ".join(map(str, figures.values())) + " |",
    ]
    text = "Axial CT of 512 x 512 (`python benchmarks/long_ct.py`).\n\n" + "\n".join(lines) + "\n"
    (ROOT / "docs" / "results" / "long-ct.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
