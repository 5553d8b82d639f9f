import os
from pathlib import Path

import pytest

from spinetk.errors import UsageError
from spinetk.spreadsheet import separated_text, table_of


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_what_stands_between_columns_is_told_by_the_first_line(tmp_path: Path, mark: str) -> None:
    (tmp_path / "a").write_text(f"id{mark}age\n1{mark}a;b\tc\n", encoding="utf-8-sig")
    text, separator = separated_text(tmp_path / "a")
    assert separator == mark and text.startswith("id")


def test_bytes_that_are_no_text_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"id,\xff\n")
    with pytest.raises(ValueError, match="utf-8"):
        separated_text(tmp_path / "a")


def test_a_table_has_columns_and_numbered_rows(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("id; age\n1; 40\n\n2; 50\n", encoding="utf-8-sig")
    columns, rows = table_of(tmp_path / "a", "a list")
    assert columns == ["id", "age"]
    assert rows == [(2, {"id": "1", "age": "40"}), (4, {"id": "2", "age": "50"})]


@pytest.mark.parametrize("content", [b"id,\xff\n", b"id\n" + b"x" * 200_000, None])
def test_what_is_no_table_is_a_line(tmp_path: Path, content: bytes | None) -> None:
    if content is None:
        os.mkfifo(tmp_path / "a")  # nobody writes to it
    else:
        (tmp_path / "a").write_bytes(content)
    with pytest.raises(UsageError, match="cannot be read as a list"):
        table_of(tmp_path / "a", "a list")
