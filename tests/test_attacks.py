"""A few damaged inputs of every kind; the long run is benchmarks/attack.py."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from attacks import annotations, corrections, files, injuries, kept, networks, sets
from attacks.trial import OUTCOMES, outcome, run

KINDS = {
    "files": (files, 300),
    "annotations": (annotations, 90),
    "sets": (sets, 60),
    "networks": (networks, 10),
    "kept": (kept, 30),
    "corrections": (corrections, 40),
}
"""Number of inputs of each; those of the long run begin with 0, these elsewhere."""
FIRST = 1_000_000


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_damaged_inputs_are_taken_or_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    module, count = KINDS[kind]
    module.seeds(tmp_path)
    for number in range(FIRST, FIRST + count):
        result = outcome(module.attempt, tmp_path, number)
        assert result in OUTCOMES, (number, result)


def test_damaged_associations_end_alone() -> None:
    """In a process of its own: a node stays in it."""
    results = [result for result, *_ in run("associations", 75, 1).values()]
    assert len(results) == 75 and set(results) <= set(OUTCOMES), results


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_what_is_damaged_is_right_when_it_is_whole(kind: str, tmp_path: Path) -> None:
    module, _ = KINDS[kind]
    module.seeds(tmp_path)
    for number in range(1, 20 if kind in ("files", "annotations") else 5):
        assert module.attempt(tmp_path, number, injure=False) == "taken", number


def test_damaged_json_is_json_and_another() -> None:
    import json

    import numpy as np

    whole = json.dumps({"a": [1, 2, {"b": None}], "c": "x"})
    damaged = {injuries.damaged_json(whole, np.random.default_rng(i)) for i in range(50)}
    assert all(json.loads(text) is not None for text in damaged) and len(damaged) > 20
