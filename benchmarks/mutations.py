"""Thousands of damaged files, each read or refused: python benchmarks/mutations.py [COUNT]

Small files of every kind (DICOM classic, multi-frame, film, compressed; NIfTI, MHA, NRRD, PNG, TIFF, zip) are damaged at
random, the same way each time: bytes flipped, runs overwritten, cut off, doubled or removed, numbers in headers made
extreme. Each goes through `spinetk.readers.read` and, where that gives a series, every slice is asked for; one in
twenty goes through the whole of `segment_all`. A file must give series or a SpineError of one line, in less than
`SECONDS`, in less than `MEMORY` bytes, and no half-written result. Writes docs/results/mutations.md.
"""

from __future__ import annotations

import collections
import json
import pickle
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import nibabel
import numpy as np
import pandas as pd
import SimpleITK
from pydicom import dcmread
from pydicom.pixels import compress
from pydicom.uid import JPEG2000Lossless, RLELossless

from spinetk.batch import Options, segment_all
from spinetk.errors import SpineError
from spinetk.phantom import PhantomConfig, make_phantom, write_phantom
from spinetk.readers import read

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.make_dicom import write_enhanced_mr

ROOT = Path(__file__).parents[1]
COUNT = 6000
SECONDS, MEMORY = 20, 6 * 2**30
WHOLE = 20
"""One file in so many goes through the whole of segment_all."""


def seeds(folder: Path) -> dict[str, bytes]:
    """A small whole file of each kind."""
    mr = make_phantom(PhantomConfig(look="T2", slices=1, samples=1, height=96, width=80))
    write_phantom(mr, folder / "mr")
    write_phantom(
        make_phantom(PhantomConfig(look="XR", slices=3, samples=1, height=96, width=80)),
        folder / "xr",
    )
    write_enhanced_mr(
        folder / "enhanced", make_phantom(PhantomConfig(slices=2, samples=1, height=64, width=64))
    )
    [plain], [film] = (list((folder / name / "dicom").iterdir()) for name in ("mr", "xr"))
    out = {
        "DICOM": plain,
        "DICOM multi-frame": folder / "enhanced" / "enhanced",
        "DICOM film": film,
    }
    for name, syntax in (("DICOM RLE", RLELossless), ("DICOM JPEG 2000", JPEG2000Lossless)):
        dataset = dcmread(plain)
        try:
            compress(dataset, syntax)
        except Exception:  # no encoder here
            continue
        dataset.save_as(folder / name)
        out[name] = folder / name
    volume = np.transpose(mr.volume, (0, 2, 1)).repeat(3, axis=0)
    affine = np.diag([-4.0, -0.7, 0.7, 1.0])
    nibabel.save(nibabel.Nifti1Image(volume, affine), folder / "a.nii")
    nibabel.save(nibabel.Nifti1Image(volume, affine), folder / "a.nii.gz")
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(volume.transpose(2, 1, 0)))
    image.SetSpacing((4.0, 0.7, 0.7))
    for suffix in ("mha", "nrrd"):
        SimpleITK.WriteImage(image, str(folder / f"a.{suffix}"))
    gray = np.clip(mr.volume[0] / 4, 0, 255).astype(np.uint8)
    for suffix in ("png", "tif", "jpg"):
        cv2.imwrite(str(folder / f"a.{suffix}"), gray)
    import zipfile

    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(plain, "IM1")
    names = ("a.nii", "a.nii.gz", "a.mha", "a.nrrd", "a.png", "a.tif", "a.jpg", "a.zip")
    return {name: path.read_bytes() for name, path in out.items()} | {
        n: (folder / n).read_bytes() for n in names
    }


def damage(content: bytes, rng: np.random.Generator) -> bytes:
    """One to four random injuries; most hit the first kilobyte, where the header is."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 5))):
        if not data:
            break
        reach = len(data) if rng.random() < 0.3 else min(len(data), 1500)
        at = int(rng.integers(0, reach))
        kind = int(rng.integers(0, 7))
        if kind == 0:
            data[at] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            length = int(rng.integers(1, 16))
            data[at : at + length] = rng.integers(0, 256, length, dtype=np.uint8).tobytes()
        elif kind == 2:
            del data[at:]
        elif kind == 3:
            del data[at : at + int(rng.integers(1, 64))]
        elif kind == 4:
            data[at:at] = data[at : at + int(rng.integers(1, 64))]
        elif kind == 5:
            extreme = rng.choice(
                [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"]
            )
            data[at : at + 4] = extreme
        else:
            text = rng.choice([b"-1", b"0", b"1e99", b"nan", b"99999999", b"\\\\\\", b""])
            data[at : at + max(1, len(text))] = text
    return bytes(data)


def tried(name: str, content: bytes, number: int) -> str:
    """What became of one file: read, refused, or what is wrong."""
    suffix = name[1:] if name.startswith("a.") else ""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        path.write_bytes(content)
        try:
            if number % WHOLE == 0:
                out = Path(folder) / "out"
                outcome = segment_all([path], out, Options())
                left = [p.name for p in out.iterdir() if p.name.startswith(".unfinished")]
                bad = [reason for _, reason in outcome.failed if reason.startswith("unexpected")]
                if left or bad:
                    return f"BUG {bad or left}"
                return "segmented" if outcome.done else "refused"
            for series in read(path).series:
                for index in range(len(series.slices)):
                    one = series.slices[index]
                    if not np.isfinite(one.pixels).all() or min(one.pixels.shape) < 32:
                        return "BUG pixels"
            return "read"
        except SpineError as error:
            return "refused" if "\n" not in str(error) else "BUG several lines"
        except MemoryError:
            return "BUG memory"
        except Exception:
            return "BUG " + traceback.format_exc(limit=-2)


def chunk(files: dict[str, bytes], first: int, last: int) -> None:
    """Print the number and the outcome of each file, as soon as it is known."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")

    def late(*_: object) -> None:
        raise TimeoutError("hang")

    signal.signal(signal.SIGALRM, late)
    names = sorted(files)
    for number in range(first, last):
        content = damage(files[names[number % len(names)]], np.random.default_rng(number))
        signal.alarm(SECONDS)
        start = time.perf_counter()
        result = tried(names[number % len(names)], content, number)
        signal.alarm(0)
        if time.perf_counter() - start > SECONDS:
            result = "BUG hang"
        print("RESULT", json.dumps([number, result]), flush=True)


def in_process(stored: Path, first: int, last: int) -> dict[int, str]:
    """A chunk in a process of its own; a file that ends the process is wrong, and the rest goes on."""
    out: dict[int, str] = {}
    while first < last:
        command = [sys.executable, __file__, "--chunk", str(stored), str(first), str(last)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        for line in done.stdout.splitlines():
            if line.startswith("RESULT "):
                number, result = json.loads(line.removeprefix("RESULT "))
                out[number] = result
        first = max([n for n in out if n >= first], default=first - 1) + 1
        if first < last:
            out[first] = f"BUG the process ended with {done.returncode}: {done.stderr[-300:]}"
            first += 1
    return out


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = seeds(Path(folder))
    names, step = sorted(files), 100
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(2) as pool:
        stored = Path(folder) / "seeds.pickle"
        stored.write_bytes(pickle.dumps(files))
        parts = [
            pool.submit(in_process, stored, first, min(first + step, count))
            for first in range(0, count, step)
        ]
        found = {number: result for part in parts for number, result in part.result().items()}
    rows = [
        (names[number % len(names)], result, number) for number, result in sorted(found.items())
    ]
    bugs = [row for row in rows if row[1].startswith("BUG")]
    for name, result, number in bugs[:20]:
        print(f"--- {name} number {number}\n{result}")
    kinds = sorted(files)
    table = []
    for name in kinds:
        counts = collections.Counter(result.split()[0] for n, result, _ in rows if n == name)
        table.append({"file": name.replace("a.", "*."), "damaged": sum(counts.values()), "read or segmented": counts["read"]
                      + counts["segmented"], "refused in one line": counts["refused"], "wrong": counts["BUG"]})  # fmt: skip
    frame = pd.DataFrame(table)
    total = {"file": "all"} | {c: int(frame[c].sum()) for c in frame.columns[1:]}
    frame = pd.concat([frame, pd.DataFrame([total])], ignore_index=True)
    text = (
        f"`python benchmarks/mutations.py {count}`: {count} damaged files in {time.perf_counter() - start:.0f} s, at most "
        f"{SECONDS} s and {MEMORY // 2**30} GB each; one in {WHOLE} through the whole of `spinetk segment`.\n\n"
        + frame.to_markdown(index=False) + "\n"
    )  # fmt: skip
    (ROOT / "docs" / "results" / "mutations.md").write_text(text)
    print(text)
    if bugs:
        sys.exit(f"{len(bugs)} wrong")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--chunk"]:
        chunk(pickle.loads(Path(sys.argv[2]).read_bytes()), int(sys.argv[3]), int(sys.argv[4]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)
