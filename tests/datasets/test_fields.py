from pathlib import Path

import pytest

from spinetk.datasets.fields import Entry, validated
from spinetk.errors import SpineError


class Thing(Entry):
    name: str
    width: float = 1.0


def test_what_is_not_listed_is_let_through_and_numbers_are_names() -> None:
    assert validated(Thing, {"name": 7, "more": None}, Path("a")) == Thing(name="7")


@pytest.mark.parametrize(
    ("parsed", "told"),
    [
        ({}, "name: Field required$"),
        ({"name": "a", "width": float("nan")}, "width: .*finite number, not nan$"),
        ({"name": "a", "width": "x" * 50}, "width: .*unable to parse string as a number$"),
        ({"name": None, "width": []}, "name: .*not None .and 1 more faults.$"),
        ([], "the whole: "),
    ],
)
def test_the_first_fault_is_told_with_its_place(parsed: object, told: str) -> None:
    with pytest.raises(SpineError, match=told):
        validated(Thing, parsed, Path("a"))
