"""Where a case lies decides which shard does it."""

from dataclasses import replace
from pathlib import Path

from spinetk.case_places import in_shard, place_in
from spinetk.readers import find
from tests.test_case_names import cohort, volume

__all__ = ["cohort"]


def test_shards_share_all_series_and_none_moves_when_others_come(cohort: Path) -> None:
    for number in range(20, 60):
        volume(cohort / f"case{number}" / "t2.nii.gz", number)
    found = list(find([cohort]).series)
    shards = [[place_in(i, [cohort]) for i in found if in_shard(i, [cohort], (k, 4))]
              for k in (1, 2, 3, 4)]  # fmt: skip
    assert sorted(p for shard in shards for p in shard) == sorted(
        place_in(i, [cohort]) for i in found
    )
    assert all(4 <= len(shard) <= 20 for shard in shards)
    moved = [replace(item, key=f"{item.key}-moved") for item in found]  # numbered keys may change
    assert len(moved) == len(found)
    volume(cohort / "case00" / "t2.nii.gz", 99)
    again = [place_in(i, [cohort]) for i in find([cohort]).series if in_shard(i, [cohort], (1, 4))]
    assert set(shards[0]) <= set(again)
