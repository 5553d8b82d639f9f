"""Real programs that tests talk to on loopback."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests


@contextmanager
def running(command: Sequence[object], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A program that ends with the block, however that ends: `Popen` alone waits for it, so that a
    test that fails before it has stopped its program never ends."""
    with subprocess.Popen([str(part) for part in command], text=True, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def until(true: Callable[[], object], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Orthanc:
    """An Orthanc that takes what is sent to it, as ARCHIVE by DICOM and, with its plug-in, by
    DICOMweb."""

    def __init__(self, folder: Path, *plugins: Path) -> None:
        self.http, self.dicom = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.http}"
        config = {
            "StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db"),
            "HttpPort": self.http, "HttpBindAddresses": ["127.0.0.1"],
            "RemoteAccessAllowed": False, "AuthenticationEnabled": False,
            "DicomServerEnabled": True, "DicomPort": self.dicom, "DicomAet": "ARCHIVE",
            "DicomAlwaysAllowFind": True, "DicomAlwaysAllowGet": True, "DicomAlwaysAllowMove": True,
            "DicomModalities": {}, "Plugins": [str(path) for path in plugins],
            "DicomWeb": {"Enable": bool(plugins), "Root": "/dicom-web/"},
        }  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        self.config, self.log = folder / "orthanc.json", folder / "log"
        self.config.write_text(json.dumps(config))
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("w") as log:
            process = subprocess.Popen(
                [str(shutil.which("Orthanc")), str(self.config)], stdout=log, stderr=log
            )
        self.process = process
        until(lambda: process.poll() is not None or (listens(self.http) and listens(self.dicom)))
        assert process.poll() is None, self.log.read_text()[-500:]

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(20)
            finally:
                self.process.kill()

    def kinds(self) -> list[str]:
        """Modality of each series that it holds."""
        series = requests.get(f"{self.url}/series?expand", timeout=5).json()
        return sorted(one["MainDicomTags"]["Modality"] for one in series)

    def know(self, port: int) -> None:
        """Tell it where SPINETK listens."""
        requests.put(f"{self.url}/modalities/node", timeout=5, json={
            "AET": "SPINETK", "Host": "127.0.0.1", "Port": port}).raise_for_status()  # fmt: skip

    def send(self, path: Path, port: int) -> None:
        """Store a file in it and have it sent on to the node."""
        made = requests.post(f"{self.url}/instances", data=path.read_bytes(), timeout=10).json()
        self.know(port)
        requests.post(
            f"{self.url}/modalities/node/store", data=made["ID"], timeout=20
        ).raise_for_status()
