"""How well two measurements of the same things agree (Suri et al., section 2.6 and Figure 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

DRAWS, SEED, FEWEST_PERSONS = 2000, 1, 5
"""Of persons, for an interval; from fewer there is none."""


@dataclass(frozen=True)
class Agreement:
    """Agreement of found with reference values.

    Attributes:
        n: pairs.
        mean_error: of found - reference.
        limits: of agreement, mean_error +- 1.96 standard deviations (Bland and Altman 1986).
        pearson_r: correlation; not a number where one side is constant.
        relative_error: median of |found - reference| / |reference|. The median, because skewness
            passes through zero, where a quotient has no bound.
        t_test_p: two-sided p of the paired t-test.
        icc: intraclass correlation ICC(A,1), two-way, absolute agreement, single measurement
            (McGraw and Wong 1996).
        icc_interval: its 95 % confidence interval: their Table 7 where every pair is of another
            person; else from drawing persons, since bodies of one person are no independent ones;
            not a number for fewer than five persons.
    """

    n: int
    mean_error: float
    limits: tuple[float, float]
    pearson_r: float
    relative_error: float
    t_test_p: float
    icc: float
    icc_interval: tuple[float, float]


def agreement(
    reference: ArrayLike, found: ArrayLike, persons: Sequence[str] | None = None
) -> Agreement:
    """Compare paired values.

    Args:
        reference, found: float [N], N >= 3, no missing values.
        persons: whose each pair is, N names; by default every pair is of another person.
    """
    a, b = np.asarray(reference, dtype=float), np.asarray(found, dtype=float)
    error = b - a
    mean, spread = float(error.mean()), float(error.std(ddof=1))
    icc, interval = _icc(a, b)
    if persons is not None and len(set(persons)) < FEWEST_PERSONS:
        interval = float("nan"), float("nan")
    elif persons is not None and len(set(persons)) < len(a):
        interval = _drawn_interval(a, b, persons)
    relative = np.abs(error[a != 0] / a[a != 0])
    return Agreement(
        n=len(a),
        mean_error=mean,
        limits=(mean - 1.96 * spread, mean + 1.96 * spread),
        pearson_r=float(stats.pearsonr(a, b).statistic) if np.ptp(a) and np.ptp(b) else np.nan,
        relative_error=float(np.median(relative)) if len(relative) else float("nan"),
        t_test_p=float(stats.ttest_rel(b, a).pvalue),
        icc=icc,
        icc_interval=interval,
    )


def _icc(a: np.ndarray, b: np.ndarray) -> tuple[float, tuple[float, float]]:
    """ICC(A,1) and its interval from the mean squares of a two-way analysis of variance.

    The model is fitted to the two rater columns in their balanced form: a factor of N subjects
    would make a design matrix of N columns. Sums and differences separate the factors exactly: the
    mean square of subjects is that of the sums, those of raters and error come from the
    differences.
    """
    n = len(a)
    frame = pd.DataFrame({"sum": a + b, "difference": b - a, "one": 1.0})
    subjects = anova_lm(ols("sum ~ 1", frame).fit())
    raters = ols("difference ~ 1", frame).fit()
    ms_subjects = float(subjects.loc["Residual", "mean_sq"]) / 2
    ms_error = float(raters.mse_resid) / 2
    ms_raters = n * float(frame["difference"].mean()) ** 2 / 2
    below = ms_subjects + ms_error + 2 * (ms_raters - ms_error) / n
    if not below:
        return float("nan"), (float("nan"), float("nan"))
    interval = icc_interval(ms_subjects, ms_raters, ms_error, n, 2)
    return (ms_subjects - ms_error) / below, interval


def _drawn_interval(a: np.ndarray, b: np.ndarray, persons: Sequence[str]) -> tuple[float, float]:
    """95 % interval of ICC(A,1) by drawing persons, all their pairs with them (the percentile
    bootstrap of clusters: Field and Welsh, Journal of the Royal Statistical Society B 69 (2007)
    369). Under ten persons it is rather too narrow."""
    names, whose = np.unique(np.asarray(persons, dtype=str), return_inverse=True)
    total, apart = a + b - np.mean(a + b), b - a  # centred: squares of large values lose digits
    terms = np.stack([np.ones_like(a), total, total**2, apart, apart**2], axis=1)
    of_person = np.stack([np.bincount(whose, column) for column in terms.T], axis=1)
    each = np.full(len(names), 1 / len(names))
    drawn = np.random.default_rng(SEED).multinomial(len(names), each, DRAWS) @ of_person
    n, sums, sums_2, differences, differences_2 = drawn.T
    with np.errstate(divide="ignore", invalid="ignore"):  # a draw of two pairs that are the same
        subjects = (sums_2 - sums**2 / n) / (n - 1) / 2
        error = (differences_2 - differences**2 / n) / (n - 1) / 2
        raters = differences**2 / n / 2
        icc = (subjects - error) / (subjects + error + 2 * (raters - error) / n)
    low, high = np.nanpercentile(icc, (2.5, 97.5)) if np.isfinite(icc).any() else (np.nan, np.nan)
    return float(low), float(high)


def icc_interval(
    subjects: float, raters: float, error: float, n: int, k: int
) -> tuple[float, float]:
    """95 % confidence interval of ICC(A,1) (McGraw and Wong, Psychological Methods 1 (1996) 30,
    Table 7).

    Args:
        subjects, raters, error: mean squares of the two-way analysis of variance.
        n, k: number of subjects and of raters.
    """
    icc = (subjects - error) / (subjects + (k - 1) * error + k * (raters - error) / n)
    if error <= 0 or icc >= 1:
        return icc, icc
    of_raters = k * icc / (n * (1 - icc))
    of_error = 1 + of_raters * (n - 1)
    freedom = (of_raters * raters + of_error * error) ** 2 / (
        (of_raters * raters) ** 2 / (k - 1) + (of_error * error) ** 2 / ((n - 1) * (k - 1))
    )
    rest = k * raters + (k * n - k - n) * error
    low = float(stats.f.ppf(0.975, n - 1, freedom))
    high = float(stats.f.ppf(0.975, freedom, n - 1))
    return (
        n * (subjects - low * error) / (low * rest + n * subjects),
        n * (high * subjects - error) / (rest + n * high * subjects),
    )
