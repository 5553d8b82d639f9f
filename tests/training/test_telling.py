import pytest

from spinetk.training import telling
from spinetk.training.telling import FIRST_STEPS, Telling

LOSSES = {"loss_class": 0.123, "loss_mask": 0.5}


def test_without_a_terminal_there_is_a_line_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(telling.time, "monotonic", lambda: now[0])
    with Telling(300) as told:
        for done in range(1, 181):
            now[0] += 1.0
            told.step(done, LOSSES)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == f"1.00 s a step: about 5 minutes for {300 - FIRST_STEPS} steps"
    assert len(lines) == 3  # one for each minute after it
    assert lines[1] == "step 65 of 300, about 4 minutes left; class 0.12 mask 0.50"


def test_a_run_that_goes_on_counts_its_own_steps_only(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(telling.time, "monotonic", lambda: now[0])
    with Telling(300, 290) as told:
        for done in range(291, 301):
            now[0] += 6.0
            told.step(done, LOSSES)
    assert capsys.readouterr().err.splitlines() == ["6.00 s a step: about 0 minutes for 5 steps"]


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with Telling(3, quiet=True) as told:
        told.say("x")
        for done in range(1, 4):
            told.step(done, LOSSES)
    assert capsys.readouterr() == ("", "")
