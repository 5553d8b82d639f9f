"""Many studies, one at a time: what is fetched, what is not, and what becomes of the others."""

import csv
from pathlib import Path

import pytest

from spinetk.batch import segment_all
from spinetk.batch_options import Options, Outcome
from spinetk.errors import UnreadableInput, UsageError
from spinetk.one_by_one import one_by_one

STUDIES = [f"1.2.{number}" for number in range(6)]


class Segmenting:
    """Makes an empty result of each study but of those that fail."""

    def __init__(self, out: Path, *fail: str) -> None:
        self.out, self.fail = out, fail
        self.asked: list[str] = []

    def __call__(self, study: str, options: Options) -> Outcome:
        assert options.apart
        self.asked.append(study)
        if study in self.fail:
            raise UnreadableInput("only a part of it came", study)
        key = f"r{study.replace('.', '')}"
        (self.out / key).mkdir(parents=True, exist_ok=True)
        return Outcome(done=[{"key": key}])


def failures(out: Path) -> list[str]:
    with (out / "failures.csv").open(newline="") as stream:
        return [row["key"] for row in csv.DictReader(stream)]


def test_one_that_fails_is_in_the_account_and_the_others_go_on(tmp_path: Path) -> None:
    segment = Segmenting(tmp_path, "1.2.1")
    told: list[str] = []
    whole = one_by_one(STUDIES, tmp_path, Options(), segment, lambda error: told.append(str(error)))
    assert segment.asked == STUDIES and len(whole.done) == 5
    assert len(told) == 1 and "only a part" in told[0]
    [name] = failures(tmp_path)
    assert "1.2.1" not in name  # of archives no number is written


def test_what_is_done_is_not_fetched_again_and_what_failed_is(tmp_path: Path) -> None:
    one_by_one(STUDIES, tmp_path, Options(), Segmenting(tmp_path, "1.2.1"))
    again = Segmenting(tmp_path)
    whole = one_by_one(STUDIES, tmp_path, Options(keep=True), again)
    assert again.asked == ["1.2.1"] and len(whole.kept) == 5
    assert not (tmp_path / "failures.csv").exists()


def test_an_interrupted_run_accounts_for_what_it_did(tmp_path: Path) -> None:
    class Interrupted(Segmenting):
        def __call__(self, study: str, options: Options) -> Outcome:
            if study == "1.2.3":
                raise KeyboardInterrupt
            return super().__call__(study, options)

    with pytest.raises(KeyboardInterrupt):
        one_by_one(STUDIES, tmp_path, Options(), Interrupted(tmp_path, "1.2.0"))
    assert len(failures(tmp_path)) == 1 and (tmp_path / "summary.csv").is_file()
    again = Segmenting(tmp_path)
    one_by_one(STUDIES, tmp_path, Options(keep=True), again)
    assert again.asked == ["1.2.0", "1.2.3", "1.2.4", "1.2.5"]


def test_what_nothing_answers_leaves_nothing(tmp_path: Path) -> None:
    one_by_one([], tmp_path / "out", Options(), Segmenting(tmp_path))
    assert not (tmp_path / "out").exists()


def test_shards_share_the_studies_and_fetch_none_of_anothers(tmp_path: Path) -> None:
    asked = []
    for part in (1, 2, 3):
        segment = Segmenting(tmp_path)
        one_by_one(STUDIES, tmp_path, Options(shard=(part, 3)), segment)
        asked += segment.asked
    assert sorted(asked) == STUDIES


def test_a_mistake_in_the_options_is_told_before_anything_is_fetched(tmp_path: Path) -> None:
    segment = Segmenting(tmp_path)
    with pytest.raises(UsageError, match="gone"):
        one_by_one(STUDIES, tmp_path, Options(model="/gone.onnx"), segment)
    assert segment.asked == []

    def mistaken(study: str, options: Options) -> Outcome:
        segment.asked.append(study)
        raise UsageError("cannot be written", tmp_path)

    with pytest.raises(UsageError, match="cannot be written"):
        one_by_one(STUDIES, tmp_path, Options(), mistaken)
    assert segment.asked == STUDIES[:1]


def test_a_part_of_a_study_is_fetched_again(tmp_path: Path) -> None:
    class Parts(Segmenting):
        def __call__(self, study: str, options: Options) -> Outcome:
            outcome = super().__call__(study, options)
            outcome.done[0]["warning_codes"] = "few-slices partial"
            return outcome

    one_by_one(STUDIES, tmp_path, Options(), Parts(tmp_path))
    again = Segmenting(tmp_path)
    one_by_one(STUDIES, tmp_path, Options(keep=True), again)
    assert again.asked == STUDIES


@pytest.mark.parametrize("overwrite", [False, True])
def test_two_studies_whose_results_would_have_one_name(
    overwrite: bool, pictures: Path, tmp_path: Path
) -> None:
    places = {}
    for number in (0, 1):
        places[f"s{number}"] = tmp_path / f"s{number}" / "a.png"
        places[f"s{number}"].parent.mkdir()
        places[f"s{number}"].write_bytes((pictures / f"p{number}.png").read_bytes())

    def segment(study: str, options: Options) -> Outcome:
        return segment_all([places[study]], tmp_path / "out", options)

    options = Options(formats=("csv",), key_from="{name}", overwrite=overwrite)
    whole = one_by_one(places, tmp_path / "out", options, segment)
    assert [row["key"] for row in whole.done] == ["a"]
    assert len(whole.failed) == 1 and "another study" in whole.failed[0][1]
