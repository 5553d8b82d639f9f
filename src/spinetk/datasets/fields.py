"""Types of what files of JSON hold, held against them once, where they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from spinetk.errors import SpineError

SHOWN = 40
"""A value of fewer characters is quoted in the words on it."""


class Entry(BaseModel):
    """Fields of one object; those that are not listed are let through and not looked at. Numbers
    are finite, and may stand for names."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", allow_inf_nan=False, coerce_numbers_to_str=True
    )


def _identifier(value: Any) -> Any:
    """Programs write one number as 1, 1.0 and "1"."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else value


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else None


Identifier = Annotated[str, BeforeValidator(_identifier)]
AnyText = Annotated[str | None, BeforeValidator(_text)]
"""Of a field that other programs use for something else."""
Content = TypeVar("Content", bound=Entry)


def validated(kind: type[Content], parsed: Any, path: Path) -> Content:
    """The parsed content of the file at `path` with its types.

    Raises:
        SpineError: the first field that is missing or not what it should be, and how many are.
    """
    try:
        return kind.model_validate(parsed)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False)
        first = faults[0]
        said = first["msg"].removeprefix("Value error, ")
        shown = repr(first["input"])
        value = f", not {shown}" if len(shown) < SHOWN and first["type"] != "missing" else ""
        more = f" (and {len(faults) - 1} more faults)" if len(faults) > 1 else ""
        raise SpineError(f"{_place(parsed, first['loc'])}: {said}{value}{more}", path) from error


def _place(parsed: Any, parts: tuple[int | str, ...]) -> str:
    """Where a fault lies, a picture by its file's name: "a.png: modality"."""
    if len(parts) > 2 and parts[0] == "images" and isinstance(parts[1], int):
        name = parsed["images"][parts[1]].get("file_name")
        if isinstance(name, str):
            return f"{name}: {'.'.join(str(part) for part in parts[2:])}"
    return ".".join(str(part) for part in parts) or "the whole"
