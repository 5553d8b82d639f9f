"""Nothing leaves the computer."""

import subprocess
import sys
from pathlib import Path

from tests.debian import needs_debian

PROGRAM = """
import sys
from pathlib import Path
from spinetk.batch_options import Options
from spinetk.batch import segment_all
segment_all([Path(sys.argv[1])], Path(sys.argv[2]), Options())
"""
CONTROL = "import os, spinetk; del os.environ['ORT_DISABLE_TELEMETRY']; import onnxruntime"
"""ONNX Runtime as it is without our switch: it sends events some ten seconds later, from a store
that it makes when it is loaded."""
STORE = Path(".cache") / "Microsoft"


def traced(program: str, tmp_path: Path, *arguments: str) -> list[str]:
    """The program's calls to the network."""
    done = subprocess.run(
        ["strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg",
         "-o", str(tmp_path / "calls"), sys.executable, "-c", program, *arguments],
        capture_output=True, text=True, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-500:]
    calls = (tmp_path / "calls").read_text().splitlines()
    return [line for line in calls if "AF_INET" in line or "htons" in line]


@needs_debian("strace", "strace")
def test_no_connection_is_opened_no_name_is_looked_up_and_no_event_is_stored(
    phantom_folder: Path, tmp_path: Path
) -> None:
    assert traced(PROGRAM, tmp_path, str(phantom_folder / "dicom"), str(tmp_path / "out")) == []
    assert not (tmp_path / STORE).exists()


@needs_debian("strace", "strace")
def test_the_store_of_events_is_the_sign_to_look_for(tmp_path: Path) -> None:
    traced(CONTROL, tmp_path)
    assert (tmp_path / STORE).exists()
