"""How well two measurements of the same things agree (Suri et al., section 2.6 and Figure 4)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm


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
        icc_interval: its 95 % confidence interval (their Table 7).
    """

    n: int
    mean_error: float
    limits: tuple[float, float]
    pearson_r: float
    relative_error: float
    t_test_p: float
    icc: float
    icc_interval: tuple[float, float]


def agreement(reference: ArrayLike, found: ArrayLike) -> Agreement:
    """Compare paired values.

    Args:
        reference, found: float [N], N >= 3, no missing values.
    """
    a, b = np.asarray(reference, dtype=float), np.asarray(found, dtype=float)
    error = b - a
    mean, spread = float(error.mean()), float(error.std(ddof=1))
    icc, interval = _icc(a, b)
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
