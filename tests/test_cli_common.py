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
