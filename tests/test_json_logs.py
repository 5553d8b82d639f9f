import json
import logging

import pytest

from spinetk.json_logs import OWN, log_to_standard_error


@pytest.fixture(autouse=True)
def own_handlers() -> object:
    own = logging.getLogger(OWN)
    before = own.handlers[:], own.propagate, own.level
    yield
    own.handlers[:], own.propagate, own.level = before[0], before[1], before[2]


def test_a_line_is_an_object_with_what_was_added(capsys: pytest.CaptureFixture[str]) -> None:
    log = log_to_standard_error(as_json=True)
    log.info("study %s: %s", "a1", "grün\nzwei", extra={"fields": {"status": 200}})
    [line] = capsys.readouterr().err.splitlines()
    said = json.loads(line)
    assert said["message"] == "study a1: grün\nzwei" and said["status"] == 200
    assert said["level"] == "info" and said["time"].endswith("+00:00")


def test_words_of_libraries_are_not_among_them(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_standard_error(as_json=True)
    logging.getLogger("pynetdicom").error("patient DOE^JANE")
    assert capsys.readouterr().err == ""
