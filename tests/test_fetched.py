from pathlib import Path

import pytest

from spinetk.errors import UnreadableInput
from spinetk.fetched import Fetched, see_room_for, whole_study
from spinetk.temporary import TemporaryFolder


def test_a_part_is_refused_and_deleted_unless_it_is_welcome() -> None:
    part = Fetched(TemporaryFolder(), "2 of 7 instances came")
    assert whole_study(part, "PACS", partial=True) is part
    with pytest.raises(
        UnreadableInput, match="PACS: only a part of the study came .2 of 7 instances came"
    ):
        whole_study(part, "PACS", partial=False)
    assert not Path(part.folder.name).exists()


def test_the_input_is_the_folder_or_what_in_it_is_named(tmp_path: Path) -> None:
    folder = TemporaryFolder()
    assert Fetched(folder).place == Path(folder.name)
    assert Fetched(folder, top=tmp_path).place == tmp_path


def test_what_does_not_fit_names_the_place() -> None:
    folder = TemporaryFolder()
    see_room_for(folder)
    with pytest.raises(UnreadableInput, match=r"temporary folder \(.*TMPDIR names another"):
        see_room_for(folder, 10**18)
