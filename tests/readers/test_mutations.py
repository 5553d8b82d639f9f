"""A few hundred damaged files of every kind; the long run is benchmarks/mutations.py."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import mutations


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return mutations.seeds(tmp_path_factory.mktemp("seeds"))


def test_whole_files_are_read(whole_files: dict[str, bytes]) -> None:
    results = {name: mutations.tried(name, data, 1) for name, data in whole_files.items()}
    assert set(results.values()) == {"read"}, results


@pytest.mark.filterwarnings("ignore")
def test_damaged_files_are_read_or_refused_in_one_line(whole_files: dict[str, bytes]) -> None:
    for number in range(100_001, 100_001 + 30 * len(whole_files)):
        name = sorted(whole_files)[number % len(whole_files)]
        damaged = mutations.damage(whole_files[name], np.random.default_rng(number))
        result = mutations.tried(name, damaged, number)
        assert not result.startswith("BUG"), (name, number, result)
