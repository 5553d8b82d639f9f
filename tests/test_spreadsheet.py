from pathlib import Path

import pytest

from spinetk.spreadsheet import separated_text


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_what_stands_between_columns_is_told_by_the_first_line(tmp_path: Path, mark: str) -> None:
    (tmp_path / "a").write_text(f"id{mark}age\n1{mark}a;b\tc\n", encoding="utf-8-sig")
    text, separator = separated_text(tmp_path / "a")
    assert separator == mark and text.startswith("id")


def test_bytes_that_are_no_text_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"id,\xff\n")
    with pytest.raises(ValueError, match="utf-8"):
        separated_text(tmp_path / "a")
