from pathlib import Path

import pytest

from spinetk.cli_done import say_done, verdicts


def test_a_line_a_result_and_what_may_help(capsys: pytest.CaptureFixture[str]) -> None:
    row = {"key": "a", "selected_slice": 3, "instance_number": 4, "bodies": 6, "discs": 5,
           "warning_codes": "no-spacing coarse", "source": "/secret/name"}  # fmt: skip
    say_done(Path("out"), row, named=True)
    assert capsys.readouterr().out == (
        "a: slice 3 (image 4), vertebral bodies: 6, discs: 5 -> out/a "
        "(2 warnings, see run.json; --spacing may help)\n"
    )  # the source only at a terminal


def test_results_are_counted_by_verdict_and_the_doubtful_ones_named() -> None:
    rows = [{"key": str(k), "verdict": "ok"} for k in range(38)]
    rows += [{"key": f"s{k}", "verdict": "check"} for k in range(12)]
    rows.append({"key": "film", "verdict": "reject"})
    named = ", ".join(f"s{k}" for k in range(10))
    assert verdicts(rows) == f"38 ok; 12 to check: {named}, ...; 1 to reject: film"
    assert verdicts([]) == ""
