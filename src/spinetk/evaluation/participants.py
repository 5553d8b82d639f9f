"""Whether the participants that a network is trained and tested on differ (Suri et al., 2.6)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from scipy import stats

from spinetk.errors import SpineError
from spinetk.spreadsheet import separated_text

PARTICIPANTS = "participants.tsv"
ID = "participant_id"


def read_participants(folders: Sequence[Path]) -> pd.DataFrame | None:
    """The tables `participants.tsv` (BIDS) of data sets, or None where none has one.

    Raises:
        SpineError: a table has no column `participant_id`.
    """
    tables = []
    for folder in folders:
        path = folder / PARTICIPANTS
        if path.is_file():
            table = _read(path)
            if ID not in table:
                raise SpineError(f"the column {ID} is missing", path)
            tables.append(table)
    if not tables:
        return None
    # a participant of several sets has one row, each column from the first set that knows it
    return pd.concat(tables, ignore_index=True).groupby(ID, sort=False).first().reset_index()


def _read(path: Path) -> pd.DataFrame:
    """A table with tabs, semicolons or commas between its columns, decimal commas and a byte order
    mark, as spreadsheets of many countries write it."""
    text, separator = separated_text(path)
    table = pd.read_csv(
        io.StringIO(text), sep=separator, na_values=["n/a"], dtype={ID: str}, skipinitialspace=True
    )
    for name in table.columns.drop(ID, errors="ignore"):
        values = table[name].dropna().astype(str)
        numbers = values.str.fullmatch(r"[-+]?\d+(,\d+)?").all()
        if separator != "," and numbers and values.str.contains(",").any():
            table[name] = table[name].astype(str).str.replace(",", ".").astype(float)
    return table


def participant_tests(table: pd.DataFrame, folds: Sequence[frozenset[str]]) -> pd.DataFrame:
    """Two-sample t-tests (Welch) of every column between each fold's training and test patients.

    A column of two words, such as sex, is compared as the share of the word that comes first in
    the alphabet; other columns of words are left out. "sub-" before an id may be there or not.

    Raises:
        SpineError: no participant is a patient of the folds.
    """
    everyone = frozenset[str]().union(*folds)
    ids = table[ID].where(table[ID].isin(everyone), table[ID].str.removeprefix("sub-"))
    table = table.assign(**{ID: ids}).groupby(ID, sort=False).first().reset_index()
    if not table[ID].isin(everyone).any():
        raise SpineError(f"none of its {ID} is a patient_id of the data", PARTICIPANTS)
    rows = []
    for name in table.columns.drop(ID):
        values = table[name]
        label = str(name)
        if not pd.api.types.is_numeric_dtype(values):
            words = sorted(values.dropna().unique())
            if len(words) != 2:
                continue
            label = f"{name} = {words[0]}"
            values = (values == words[0]).astype(float).where(values.notna())
        for number, fold in enumerate(folds, start=1):
            test = values[table[ID].isin(fold)].dropna()
            train = values[table[ID].isin(everyone - fold)].dropna()
            enough = len(test) > 1 and len(train) > 1 and test.std() + train.std() > 0
            rows.append(
                {
                    "column": label,
                    "fold": number,
                    "n_train": len(train),
                    "n_test": len(test),
                    "mean_train": train.mean(),
                    "mean_test": test.mean(),
                    "t_test_p": stats.ttest_ind(train, test, equal_var=False).pvalue
                    if enough
                    else float("nan"),
                }
            )
    return pd.DataFrame(rows)
