"""The examples that run SpineTK as a service."""

import subprocess
from pathlib import Path

from tests.debian import needs_debian

EXAMPLES = Path(__file__).parents[1] / "examples"


@needs_debian("systemd", "systemd-analyze")
def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    unit = tmp_path / "spinetk-serve.service"
    unit.write_text((EXAMPLES / "spinetk-serve.service").read_text())
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True
    )
    told = [line for line in done.stderr.splitlines() if "spinetk-serve" in line]
    assert done.returncode == 0 and told == [], done.stderr
    unit.write_text(unit.read_text().replace("Restart=on-failure", "Restart=perhaps"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True
    )
    assert "perhaps" in done.stderr  # it would have said so
