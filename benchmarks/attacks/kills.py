"""kill -9 at any time: of a command, of the server, of the node. Nothing acknowledged may be lost,
and what comes out in the end must equal an undisturbed run."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
from pydicom import dcmread
from pynetdicom import AE
from pynetdicom.sop_class import MRImageStorage

from spinetk.phantom import PhantomConfig, make_phantom, write_phantom
from tests.services import free_port, listens, until

SPINETK = [sys.executable, "-m", "spinetk.cli"]
OVER = ("done", "failed", "cancelled")
COMPARED = ("mask.nii.gz", "image.nii.gz", "instances.csv", "slices.csv")
"""Files whose every byte must be equal; the others hold times and random identifiers."""


def studies(folder: Path) -> Path:
    """Two small studies."""
    for number in (1, 2):
        write_phantom(make_phantom(PhantomConfig(slices=2, seed=number)), folder / str(number))
        (folder / str(number) / "truth.nii.gz").unlink()
    return folder


def outputs(folder: Path) -> dict[str, object]:
    """Names of all files of the results, and the content of those that can be compared. What a
    killed process left has a hidden name; it is no result and goes after a minute."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.name in COMPARED else None
        for result in folder.iterdir()
        if result.is_dir() and not result.name.startswith(".")
        for path in sorted(result.rglob("*"))
    }


@contextlib.contextmanager
def running(*arguments: object) -> Iterator[subprocess.Popen[bytes]]:
    """SpineTK as a process group of its own, which is dead at the end."""
    process = subprocess.Popen(
        [*SPINETK, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def of_command(source: Path, work: Path, expected: dict[str, object], seconds: float) -> str:
    """Kill `segment` after so many seconds, and continue."""
    out = work / "out"
    with (
        running("segment", source, "-o", out) as process,
        contextlib.suppress(subprocess.TimeoutExpired),
    ):
        process.wait(seconds)
    for path in outputs(out) if out.is_dir() else ():
        if path not in expected:
            return f"WRONG {path} left by the killed run"
    again = subprocess.run(
        [*SPINETK, "segment", str(source), "-o", str(out), "--continue"],
        capture_output=True,
        text=True,
    )
    if again.returncode:
        return f"WRONG {again.stderr}"
    return "equal" if outputs(out) == expected else "WRONG other outputs"


def of_server(source: Path, work: Path, expected: dict[str, object], seconds: float) -> str:
    """Kill `serve` so many seconds after a study was begun to be sent, a version saved; start it
    again and look what is there."""
    files = sorted(p for p in source.rglob("*.dcm"))
    kept: dict[str, object] = {}
    port, folder = free_port(), work / "jobs"
    with running("serve", "--folder", folder, "--port", port) as process:
        until(lambda: listens(port))
        end = time.monotonic() + seconds
        address = f"http://127.0.0.1:{port}/api/"
        with contextlib.suppress(httpx.TransportError), httpx.Client(base_url=address) as client:
            _told(client, files, kept, process, end)
        if process.poll() is None:
            process.kill()
    port = free_port()
    with running("serve", "--folder", folder, "--port", port):
        until(lambda: listens(port))
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/", timeout=30) as client:
            return _still_there(client, files, kept, folder, expected)


def _told(client: httpx.Client, files: list[Path], kept: dict[str, object],
          process: subprocess.Popen[bytes], end: float) -> None:  # fmt: skip
    """Do what a reader does; write down what the server acknowledged, until it is killed."""
    import threading

    timer = threading.Timer(max(0.0, end - time.monotonic()), process.send_signal, [signal.SIGKILL])
    timer.start()
    try:
        kept["job"] = job = client.post("jobs", json={"name": "s"}).json()["id"]
        kept["files"] = []
        for number, path in enumerate(files):
            if (
                client.put(f"jobs/{job}/files/{number}.dcm", content=path.read_bytes()).status_code
                == 201
            ):
                kept["files"].append(path.read_bytes())  # type: ignore[attr-defined]
        kept["started"] = client.post(f"jobs/{job}/start").status_code == 200
        while client.get(f"jobs/{job}").json()["state"] not in OVER:
            time.sleep(0.05)
        [key, *_] = [row["key"] for row in client.get(f"jobs/{job}").json()["results"]]
        marks = client.get(f"jobs/{job}/results/{key}").json()["instances"]
        saved = client.post(
            f"jobs/{job}/results/{key}/versions", json={"marks": marks[:-1], "who": "A"}
        )
        if saved.status_code == 201:
            kept["version"] = saved.json()["key"]
        process.wait()
    finally:
        timer.cancel()


def _still_there(client: httpx.Client, files: list[Path], kept: dict[str, object], folder: Path,
                 expected: dict[str, object]) -> str:  # fmt: skip
    if "job" not in kept:
        return "equal"
    job = kept["job"]
    if client.get(f"jobs/{job}").status_code != 200:
        return "WRONG the study is gone"
    there = [p.read_bytes() for p in (folder / str(job)).rglob("*.dcm") if "results" not in p.parts]
    if not all(content in there for content in kept.get("files", [])):  # type: ignore[attr-defined]
        return "WRONG an acknowledged file is gone"
    if not kept.get("started"):
        for number, path in enumerate(files):
            client.put(f"jobs/{job}/files/{number}.dcm", content=path.read_bytes())
        client.post(f"jobs/{job}/start")
    end = time.monotonic() + 120
    while (state := client.get(f"jobs/{job}").json())["state"] not in OVER:
        if time.monotonic() > end:
            return f"WRONG it is never done: {state['state']}"
        time.sleep(0.1)
    if state["state"] != "done":
        return f"WRONG {state}"
    if "version" in kept:
        shown = client.get(f"jobs/{job}/results/{kept['version']}")
        if shown.status_code != 200:
            return "WRONG an acknowledged version is gone"
    came = {
        name: content
        for name, content in outputs(folder / str(job) / "results").items()
        if "-corrected-" not in name
    }
    return "equal" if came == expected else "WRONG other outputs"


def of_node(source: Path, work: Path, expected: dict[str, object], seconds: float) -> str:
    """Kill `node` so many seconds after the first image was sent; what it acknowledged is there,
    and the study is segmented once the node runs again and the rest was sent."""
    files = sorted(p for p in source.rglob("*.dcm"))
    folder, port = work / "node", free_port()
    options = ("--allow", "SCANNER@127.0.0.1", "--folder", folder, "--quiet-seconds", "0.5")
    with running("node", *options, "--port", port) as process:
        until(lambda: listens(port))
        import threading

        timer = threading.Timer(seconds, process.kill)
        timer.start()
        taken = _sent(port, files)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, seconds) + 5)
        timer.cancel()
    there = {dcmread(p).SOPInstanceUID for p in (folder / "incoming").glob("*/*.dcm")}
    if not set(taken) <= there:
        return "WRONG an acknowledged image is gone"
    with running("node", *options, "--port", port):
        until(lambda: listens(port))
        rest = [path for path in files if dcmread(path).SOPInstanceUID not in taken]
        if rest and len(_sent(port, rest)) != len(rest):
            return "WRONG the node takes nothing after its restart"
        try:
            until(lambda: _results(folder) == expected, 60)
        except AssertionError:
            return "WRONG other outputs"
    return "equal"


def _sent(port: int, files: list[Path]) -> list[str]:
    """UIDs of the images that the node acknowledged."""
    ae = AE("SCANNER")
    ae.add_requested_context(MRImageStorage)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = ae.connection_timeout = 10
    taken = []
    made = ae.associate("127.0.0.1", port, ae_title="SPINETK")
    if made.is_established:
        for path in files:
            with contextlib.suppress(RuntimeError, ValueError):
                status = made.send_c_store(dcmread(path))
                if status and status.Status == 0:
                    taken.append(str(dcmread(path).SOPInstanceUID))
        made.release()
    return taken


def _results(folder: Path) -> dict[str, object]:
    together: dict[str, object] = {}
    for study in (folder / "results").glob("*"):
        if study.is_dir():
            together |= outputs(study)
    return together


VICTIMS: dict[str, tuple[Callable[[Path, Path, dict[str, object], float], str], float]] = {
    "command": (of_command, 6.0),
    "server": (of_server, 7.0),
    "node": (of_node, 8.0),
}
"""What is killed, and the longest time after which it is."""


def run(count: int) -> list[dict[str, object]]:
    """Kill each victim `count` times; a row of figures each."""
    rows: list[dict[str, object]] = []
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        source = studies(Path(name) / "studies")
        subprocess.run(
            [*SPINETK, "segment", str(source), "-o", f"{name}/out", "--quiet"], check=True
        )
        expected = outputs(Path(name) / "out")
        for victim, (kill, longest) in VICTIMS.items():
            results = []
            for number in range(count):
                work = Path(name) / f"{victim}{number}"
                work.mkdir()
                seconds = float(rng.uniform(0.05, longest))
                results.append(kill(source, work, expected, seconds))
                if results[-1] != "equal":
                    print(f"--- {victim} killed after {seconds:.2f} s: {results[-1]}", flush=True)
                shutil.rmtree(work, ignore_errors=True)
            rows.append({"killed": victim, "times": count,
                         "nothing lost, outputs equal": results.count("equal"),
                         "wrong": count - results.count("equal")})  # fmt: skip
    return rows


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    print(json.dumps(run(int(sys.argv[1])), indent=1))
