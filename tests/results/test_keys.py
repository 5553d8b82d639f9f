import re

from hypothesis import given
from hypothesis import strategies as st

from spinetk.results.keys import (
    in_order,
    numbered_key,
    original_key,
    series_key,
    slice_key,
    slice_keys_pattern,
    version_key,
    version_number,
)

KEYS = st.from_regex(re.compile(r"[A-Za-z0-9._-]{1,20}"), fullmatch=True)


@given(KEYS, st.integers(0, 5000), st.integers(1, 300))
def test_the_series_of_every_key_is_found_again(series: str, index: int, version: int) -> None:
    sliced = slice_key(series, index)
    corrected = version_key(sliced, version)
    assert slice_keys_pattern(series).fullmatch(sliced)
    assert version_number(corrected) == version
    assert original_key(corrected, corrected=True) == sliced
    assert series_key(corrected, corrected=True, slice_index=index) == series
    assert series_key(version_key(series, version), corrected=True, slice_index=None) == series


@given(KEYS)
def test_a_name_that_looks_like_an_ending_stays_where_nothing_says_it_is_one(name: str) -> None:
    for key in (slice_key(name, 3), version_key(name, 2)):
        assert series_key(key, corrected=False, slice_index=None) == key


def test_keys_are_sorted_as_people_count() -> None:
    keys = [numbered_key("p", n) for n in (1, 12, 2)] + ["p10", "p2"]
    assert sorted(keys, key=in_order) == ["p", "p2", "p10", "p-2", "p-12"]
