"""Tables as spreadsheets of many countries write them."""

from __future__ import annotations

import csv
import errno
import os
from pathlib import Path

from spinetk.errors import UsageError


def separated_text(path: Path) -> tuple[str, str]:
    """The text of a table without its byte order mark, and what stands between its columns: tabs,
    semicolons or commas.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no UTF-8.
    """
    if not path.is_file():  # a pipe would be waited for
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    text = path.read_text(encoding="utf-8-sig")
    head = text.partition("\n")[0]
    return text, next((mark for mark in "\t;" if mark in head), ",")


def table_of(path: Path, kind: str) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The names of a table's columns, and its rows with the numbers of their lines.

    Args:
        kind: what it should be, for the error.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        text, separator = separated_text(path)
        reader = csv.DictReader(text.splitlines(), delimiter=separator, skipinitialspace=True)
        rows = [(reader.line_num, row) for row in reader]
    except (OSError, ValueError, csv.Error) as error:
        told = f" ({error})" if isinstance(error, csv.Error) else ""
        raise UsageError(f"cannot be read as {kind}{told}", path) from error
    return [str(name) for name in reader.fieldnames or ()], rows
