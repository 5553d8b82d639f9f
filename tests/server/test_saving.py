from dataclasses import replace
from pathlib import Path

import pytest

from spinetk.errors import UsageError
from spinetk.results.record import read_record
from spinetk.results.reopen import reopen
from spinetk.server.review import open_review
from spinetk.server.saving import save_version
from spinetk.study import Segmentation
from spinetk.warning import Warning


def test_a_version_says_what_was_changed_and_by_whom(
    own_result: Path, phantom_result: Segmentation
) -> None:
    review = open_review(own_result, read_record(own_result), phantom_result.series)
    kept = review.marked[1:]
    record = save_version(own_result.parent, review, kept, "Dr. Who", "one less")
    again = save_version(own_result.parent, review, kept, "Dr. Who", "")
    assert record.key == f"{own_result.name}-corrected-1" and again.key.endswith("-corrected-2")
    stored = read_record(own_result.parent / record.key)
    assert stored.correction is not None and stored.correction.who == "Dr. Who"
    assert stored.correction.of == own_result.name and stored.series_key == own_result.name
    assert [c.rpartition(": ")[2] for c in stored.correction.changes] == ["deleted"]
    version = reopen(own_result.parent / record.key, stored, phantom_result.series)
    assert len(version.instances) == len(kept)
    assert (own_result.parent / "summary.csv").is_file()


def test_warnings_of_the_source_stay_and_those_of_the_instances_are_made_anew(
    own_result: Path, phantom_result: Segmentation
) -> None:
    review = open_review(own_result, read_record(own_result), phantom_result.series)
    old = (Warning("left-out", "1 slice"), Warning("few-bodies", "1 body"))
    review = replace(review, record=replace(review.record, warnings=old))
    record = save_version(own_result.parent, review, review.marked, "x", "")
    assert "left-out" in [w.code for w in record.warnings]
    assert "few-bodies" not in [w.code for w in record.warnings]


def test_nothing_and_two_of_one_name_are_refused(
    own_result: Path, phantom_result: Segmentation
) -> None:
    review = open_review(own_result, read_record(own_result), phantom_result.series)
    with pytest.raises(UsageError, match="nothing is marked"):
        save_version(own_result.parent, review, [], "x", "")
    same = [replace(review.marked[0], id=str(k), level=None) for k in range(2)]
    with pytest.raises(UsageError, match="share pixels"):
        save_version(own_result.parent, review, same, "x", "")
    twice = [replace(m, level="L3") for m in review.marked[:2]]
    with pytest.raises(UsageError, match="L3 is named twice"):
        save_version(own_result.parent, review, twice, "x", "")
