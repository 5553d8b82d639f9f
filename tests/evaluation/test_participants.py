from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spinetk.errors import SpineError
from spinetk.evaluation.participants import participant_tests, read_participants


def test_participants_that_differ_are_told() -> None:
    names = [f"p{i}" for i in range(20)]
    table = pd.DataFrame(
        {
            "participant_id": names,
            "age": np.r_[np.arange(60, 70), np.arange(20, 30)],
            "sex": ["F", "M"] * 10,
            "site": [f"s{i}" for i in range(20)],
        }
    )
    folds = [frozenset(names[:10]), frozenset(names[10:])]
    with pytest.raises(SpineError, match="none of its participant_id"):
        participant_tests(table, [frozenset({"other"})])
    prefixed = participant_tests(
        table.assign(participant_id="sub-" + table["participant_id"]), folds
    )
    assert list(prefixed["n_test"]) == [10, 10, 10, 10]  # BIDS's "sub-" is the same participant
    tests = participant_tests(table, folds).set_index(["column", "fold"])
    assert tests.loc[("age", 1), "t_test_p"] < 1e-6
    assert tests.loc[("sex = F", 1), "t_test_p"] == pytest.approx(1)
    assert "site" not in tests.index.get_level_values(0)


@pytest.mark.parametrize(
    "text",
    ["participant_id\tage\n01\t70.5\n02\t61\n", "participant_id;age\n01;70,5\n02;61\n",
     "\ufeffparticipant_id\tage\r\n01\t70,5\r\n02\t61,0\r\n",
     "participant_id,age\n01,70.5\n02,61\n"],
)  # fmt: skip
def test_tables_of_every_spreadsheet_are_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "participants.tsv").write_text(text, encoding="utf-8")
    table = read_participants([tmp_path])
    assert table is not None
    assert table["participant_id"].tolist() == ["01", "02"] and table["age"].tolist() == [70.5, 61]
