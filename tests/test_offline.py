"""Nothing leaves the computer."""

import subprocess
import sys
from pathlib import Path

from tests.debian import needs_debian

PROGRAM = """
import sys, time
from pathlib import Path
from spinetk.batch import Options, segment_all
segment_all([Path(sys.argv[1])], Path(sys.argv[2]), Options())
time.sleep(20)  # events are sent in the background, some time later
"""


@needs_debian("strace", "strace")
def test_no_connection_is_opened_and_no_name_is_looked_up(
    phantom_folder: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        ["strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg",
         "-o", str(tmp_path / "calls"), sys.executable, "-c", PROGRAM,
         str(phantom_folder / "dicom"), str(tmp_path / "out")],
        capture_output=True, text=True, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-500:]
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [line for line in calls if "AF_INET" in line or "htons" in line] == []
    assert not (tmp_path / ".cache" / "Microsoft").exists()
