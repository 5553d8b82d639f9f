"""What many results cost: python benchmarks/scale.py [COUNT]

COUNT results (100,000) are made of one small one, and gathered; memory and time of `spinetk gather` are measured at a
tenth of them and at all. From the seconds and bytes of one study (a 20-slice series in a batch, docs/results/speed.json),
the cost of 10, 1,000 and 1,000,000 studies follows; a simulation of stragglers and lost workers says how long as many
workers take. Writes docs/results/scale.md.
"""

from __future__ import annotations

import csv
import heapq
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import pandas as pd
import pydicom
from dicomweb_client.api import DICOMwebClient

from spinetk.batch import segment_all
from spinetk.batch_options import Options
from spinetk.dicom_net.web import WebArchive
from spinetk.phantom import PhantomConfig, make_phantom, write_phantom
from tests.services import Orthanc

ROOT = Path(__file__).parents[1]
COUNT = 100_000
MOST_LINKS = 60_000
"""Names that file systems give to one file."""
BODIES = 3
"""Of a result: fewer than in a study, so that the table fits a small disk."""
COHORTS = (10, 1_000, 1_000_000)
WORKERS = (1, 16, 1_000)
STRAGGLER, SLOWER = 0.01, 20.0
"""Share of studies that take so much longer than the median: thin series of hundreds of slices."""
LOST_PER_HOUR = 0.01
"""Share of workers that are lost in an hour; what they had under way is done again."""
IMAGES = 20
FETCHES = 5
ORTHANC = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


def one_result(folder: Path) -> tuple[Path, float, int]:
    """A result in CSV; seconds of a study in a batch, and bytes of a usual result."""
    write_phantom(make_phantom(PhantomConfig(slices=IMAGES, samples=1)), folder / "study")
    segment_all([folder / "study" / "dicom"], folder / "warm", Options())
    start = time.perf_counter()
    segment_all([folder / "study" / "dicom"], folder / "usual", Options())
    seconds = time.perf_counter() - start
    [usual] = [path for path in (folder / "usual").iterdir() if path.is_dir()]
    size = sum(path.stat().st_size for path in usual.iterdir())
    with (usual / "instances.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    with (usual / "instances.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows[1 : 1 + BODIES])
    record = json.loads((usual / "run.json").read_text())
    (usual / "run.json").write_text(json.dumps(record | {"bodies": BODIES, "discs": 0}))
    return usual, seconds, size


def gathered(result: Path, out: Path, count: int) -> tuple[float, float, float]:
    """Seconds, MB of memory at most, and GB of tables of gathering `count` results."""
    names = [
        name for name in ("run.json", "instances.csv", "angles.csv") if (result / name).is_file()
    ]
    out.mkdir()
    for number in range(count):
        folder = out / f"p{number:06d}"
        folder.mkdir()
        first = out / f"p{number - number % MOST_LINKS:06d}"
        for name in names:
            if folder == first:
                shutil.copyfile(result / name, folder / name)
            else:
                os.link(first / name, folder / name)
    start = time.perf_counter()
    program = (
        "import sys; from pathlib import Path; from spinetk.cohort.gather import gather; "
        "done = gather(Path(sys.argv[1])); assert not done.failed; "
        "print(Path('/proc/self/status').read_text())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, out], capture_output=True, text=True, check=True
    )
    seconds = time.perf_counter() - start
    size = sum(path.stat().st_size for path in out.iterdir() if path.is_file())
    memory = int(re.findall(r"VmHWM:\s+(\d+)", done.stdout)[0]) / 1024
    return seconds, memory, size / 1e9


def archive_rate(study: Path, folder: Path) -> float:
    """Images that an archive gives in a second over DICOMweb: Orthanc on loopback."""
    if not ORTHANC.exists():
        raise SystemExit("needs apt-get install orthanc orthanc-dicomweb")
    archive = Orthanc(folder / "orthanc", ORTHANC)
    archive.start()
    try:
        url = f"{archive.url}/dicom-web"
        images = [pydicom.dcmread(path) for path in study.iterdir()]
        DICOMwebClient(url).store_instances(images)
        start = time.perf_counter()
        for _ in range(FETCHES):
            WebArchive.at(url).fetch(str(images[0].StudyInstanceUID)).folder.cleanup()
        return FETCHES * len(images) / (time.perf_counter() - start)
    finally:
        archive.stop()


def simulated(studies: int, workers: int, seconds: float, rate: float, rng: random.Random) -> float:
    """Hours until all studies are done: each takes a time of its own, some far longer; workers are lost, and what they
    had under way is begun again; the archive gives no more than `rate` images a second."""
    blocks = min(studies, 20_000)
    share = studies / blocks  # of a million, studies are done in blocks of fifty
    free = [0.0] * min(workers, blocks)
    heapq.heapify(free)
    end = 0.0
    for number in range(blocks):
        arrives = number * share * IMAGES / rate
        start = max(heapq.heappop(free), arrives)
        cost = share * seconds * rng.lognormvariate(0, 0.3)
        if rng.random() < STRAGGLER:
            cost += SLOWER * seconds
        if rng.random() < LOST_PER_HOUR * cost / 3600:
            cost += rng.random() * cost
        heapq.heappush(free, start + cost)
        end = max(end, start + cost)
    return end / 3600


def main(count: int) -> None:
    rng = random.Random(1)
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        folder = Path(name)
        result, seconds, size = one_result(folder)
        rate = archive_rate(folder / "study" / "dicom", folder)
        rows = []
        for many in (count // 10, count):
            took, memory, disk = gathered(result, folder / f"out-{many}", many)
            rows.append({"results": many, "seconds": round(took, 1), "memory, MB": round(memory),
                         "tables and page, GB": round(disk, 2)})  # fmt: skip
    costs = []
    for studies in COHORTS:
        row = {
            "studies": studies,
            "core-hours": round(studies * seconds / 3600, 2),
            "GB of results": round(studies * size / 1e9, 2),
            "hours of an archive": round(studies * IMAGES / rate / 3600, 2),
        }
        for workers in WORKERS:
            row[f"hours, {workers} workers"] = round(
                simulated(studies, workers, seconds, rate, rng), 2
            )
        costs.append(row)
    cores = len(os.sched_getaffinity(0))
    text = (
        f"`python benchmarks/scale.py {count}`, one of {cores} cores at {seconds:.1f} s a study ({IMAGES} slices, all "
        f"formats), {size / 1e6:.2f} MB a result; an archive (Orthanc, on loopback) that gives {rate:.0f} images a second over "
        f"DICOMweb.\n\n"
        f"{pd.DataFrame(rows).to_markdown(index=False)}\n\n"
        f"{pd.DataFrame(costs).to_markdown(index=False)}\n"
    )
    (ROOT / "docs" / "results" / "scale.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)
