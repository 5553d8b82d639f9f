"""Small files that claim, or hold, much: what a command takes of memory and time until it refuses."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from spinetk.phantom import PhantomConfig, make_phantom, write_phantom
from tests.readers import bombs

SECONDS, MEMORY = 20, 10**9
HERE = Path(__file__).parents[1]


def made(folder: Path) -> dict[str, Path]:
    """Each bomb."""
    write_phantom(
        make_phantom(PhantomConfig(slices=1, samples=1, height=64, width=64)), folder / "study"
    )
    (folder / "a.json").write_text("[" * 10**6)
    study = folder / "study"
    return {
        "PNG of 12,000 x 12,000 pixels": bombs.png(folder / "a.png", 12_000, 8, 0),
        "PNG of 12,000 x 12,000 colours of 16 bits": bombs.png(folder / "b.png", 12_000, 16, 2),
        "progressive JPEG of 4,000 scans": bombs.many_scans(folder / "a.jpg", 7800, 4000),
        "TIFF of 200,000 pages": bombs.many_pages(folder / "a.tif", 200_000),
        "NIfTI of 1500 x 1500 x 1500 voxels, one plane of it there": bombs.nifti(folder / "a.nii.gz", 1500, 1),
        "NRRD of 64 planes that holds 6 GB, gzip": bombs.nrrd(folder / "a.nrrd", "gzip", 64, 6000),
        "NRRD of 64 planes that holds 1.5 GB, bzip2": bombs.nrrd(folder / "b.nrrd", "bzip2", 64, 1500),
        "deflated DICOM that holds 600 MB": bombs.deflated(folder / "a.dcm", study, 600),
        "DICOM image of 64 x 64 with 1.9 GB of pixels": bombs.long_pixels(folder / "b.dcm", study, 1900),
        "DICOM image of 64 x 64 with run lengths of 3 GB": bombs.run_lengths(folder / "c.dcm", study, 3000),
        "tar.gz with a name of 3 GB": bombs.long_name(folder / "a.tar.gz", 3000),
        "tar.gz of 200,001 links": bombs.many_links(folder / "b.tar.gz"),
        "xz that asks for a dictionary of 2 GB": bombs.wide_xz(folder / "d.dcm.xz"),
        "zip whose table has 1.2 million files": bombs.long_table(folder / "e.zip"),
        "zip that holds 20 GB": _zip(folder / "a.zip", _zeros(200), 100),
        "zip of 2,000 zips": _zip(folder / "b.zip", _archive({"a": b"x"}), 2000, ".zip"),
        "zip in a zip, 60 deep": _nested(folder / "c.zip", 60),
        "zip of 60,000 files": _zip(folder / "d.zip", b"x", 60_000),
    }  # fmt: skip


def _zeros(megabytes: int) -> bytes:
    return bytes(megabytes * 2**20)


def _archive(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def _zip(path: Path, content: bytes, count: int, suffix: str = "") -> Path:
    """An archive with the same content under many names."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(count):
            archive.writestr(f"{number}{suffix}", content)
    return path


def _nested(path: Path, deep: int) -> Path:
    content = b"x"
    for _ in range(deep):
        content = _archive({"a.zip": content})
    path.write_bytes(content)
    return path


def of_command(path: Path, folder: Path) -> tuple[str, float, int]:
    """What `spinetk segment` does with it: outcome, seconds and most bytes."""
    start = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "attacks.measured",
        "segment",
        str(path),
        "-o",
        str(folder / "out"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=HERE)
    seconds = time.perf_counter() - start
    *said, last = done.stderr.strip().splitlines()
    memory = int(last.split()[-1])
    one_line = len(said) == 1 and said[0].startswith("spinetk: ")
    good = done.returncode in (2, 3, 4) and one_line and seconds < SECONDS and memory < MEMORY
    return ("refused" if good else f"WRONG {done.returncode} {said[-3:]}"), seconds, memory


def run() -> list[dict[str, object]]:
    """A row of figures for each bomb."""
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as name:
        for what, path in made(Path(name)).items():
            outcome, seconds, memory = of_command(path, Path(name))
            if outcome != "refused":
                print(f"--- {what}: {outcome}", flush=True)
            rows.append({"input": what, "size, KB": round(path.stat().st_size / 1000), "outcome": outcome.split()[0],
                         "seconds": round(seconds, 1), "most memory, MB": round(memory / 1e6)})  # fmt: skip
    return rows


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
