import subprocess
import sys
from pathlib import Path

import pytest

from spinetk.cli_common import needs, say
from spinetk.errors import UsageError


def test_a_missing_part_names_the_extra_that_brings_it() -> None:
    needs("serve", "json")
    with pytest.raises(UsageError, match=r"needs the serve extra \(no_such_module not found\)"):
        needs("serve", "json", "no_such_module")


def test_what_is_said_is_one_line_with_our_name(capsys: pytest.CaptureFixture[str]) -> None:
    say("something")
    out, err = capsys.readouterr()
    assert out == ""
    assert "something" in err or err == ""  # the console keeps the stream that it was made with


@pytest.mark.parametrize(
    "way", ["| head -n1", "> /dev/full", ">&-", "2>&1 | head -n1", "2> /dev/full"]
)
def test_what_nobody_hears_does_not_end_the_work(way: str, pictures: Path, tmp_path: Path) -> None:
    command = f"{sys.executable} -m spinetk.cli segment {pictures} -o {tmp_path}/out --format csv"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{command} {way}"], capture_output=True, text=True
    )
    assert done.returncode == 4 and "Traceback" not in done.stderr  # p9.png is no picture
    assert len(list((tmp_path / "out").glob("p*/run.json"))) == 6
