"""What a run says of itself, and which archive it is of."""

from pathlib import Path

import pytest

from spinetk.batch_options import Options
from spinetk.cli_run import Run, all_that_answer, archive_of, store_of
from spinetk.dicom_net.retrieve import NodeArchive
from spinetk.dicom_net.web import WebArchive
from spinetk.errors import UnreadableInput


def test_an_archive_is_told_by_how_it_is_named() -> None:
    assert archive_of(None, None, None) is None
    assert isinstance(archive_of("http://localhost:1/dicom-web", None, None), WebArchive)
    assert isinstance(archive_of(None, "A@localhost:1", None), NodeArchive)


def test_a_store_is_told_by_its_address() -> None:
    assert store_of("memory://cohort/").name == "memory://cohort"


class Silent:
    """An archive that has nothing."""

    name = "nobody"

    def studies(self, query: str) -> list[str]:
        return []


class Failing(Silent):
    """One whose studies cannot be fetched."""

    def studies(self, query: str) -> list[str]:
        return ["1.2.3", "1.2.4"]

    def fetch(self, study: str, *, partial: bool = False) -> None:
        raise UnreadableInput("only a part of it came", study)


def test_a_study_that_fails_is_named_and_the_next_is_tried(tmp_path: Path) -> None:
    done = all_that_answer(Run(tmp_path, Options()), Failing(), "a=b")
    assert [reason for _, reason in done.failed] == ["only a part of it came"] * 2
    assert len({key for key, _ in done.failed}) == 2


def test_a_query_that_nothing_answers_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match="no study that answers"):
        all_that_answer(Run(tmp_path, Options()), Silent(), "a=b")
