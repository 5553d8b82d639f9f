import numpy as np
import pandas as pd
import pytest

from spinetk.errors import SpineError
from spinetk.evaluation.participants import participant_tests


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
