"""Agreement against values that were worked out independently."""

import numpy as np
import pytest
from scipy import stats

from spinetk.evaluation.agreement import agreement, icc_interval


def anova_icc(table: np.ndarray) -> float:
    """ICC(A,1) by the textbook's sums of squares over an [N, 2] table (McGraw and Wong 1996)."""
    n, k = table.shape
    grand = table.mean()
    rows = k * ((table.mean(axis=1) - grand) ** 2).sum() / (n - 1)
    columns = n * ((table.mean(axis=0) - grand) ** 2).sum() / (k - 1)
    rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0, keepdims=True) + grand
    error = (rest**2).sum() / ((n - 1) * (k - 1))
    return (rows - error) / (rows + (k - 1) * error + k * (columns - error) / n)


def test_the_same_values_agree_wholly() -> None:
    values = np.random.default_rng(0).normal(5, 2, 40)
    result = agreement(values, values + 1e-9 * np.arange(40))
    assert result.pearson_r == pytest.approx(1) and result.icc == pytest.approx(1)
    assert result.relative_error == pytest.approx(0, abs=1e-6)


def test_an_offset_leaves_the_correlation_and_lowers_the_icc() -> None:
    values = np.random.default_rng(1).normal(5, 2, 40)
    result = agreement(values, values + 1.5 + np.random.default_rng(2).normal(0, 0.1, 40))
    assert result.pearson_r > 0.99 and result.icc < 0.9
    assert result.mean_error == pytest.approx(1.5, abs=0.05) and result.t_test_p < 1e-6
    low, high = result.limits
    assert low < 1.5 < high and high - low == pytest.approx(2 * 1.96 * 0.1, rel=0.3)


def test_the_icc_is_that_of_the_analysis_of_variance() -> None:
    rng = np.random.default_rng(3)
    for noise, offset in ((0.2, 0.0), (1.0, 0.7), (3.0, -2.0)):
        a = rng.normal(0, 2, 25)
        b = a + offset + rng.normal(0, noise, 25)
        assert agreement(a, b).icc == pytest.approx(anova_icc(np.stack([a, b], axis=1)), abs=1e-9)


def test_the_t_test_is_paired() -> None:
    a = np.arange(10.0)
    b = a + np.tile([0.1, 0.3], 5)
    assert agreement(a, b).t_test_p == pytest.approx(stats.ttest_rel(b, a).pvalue)
    assert agreement(a, b).t_test_p < stats.ttest_ind(a, b).pvalue


def test_the_interval_is_that_of_shrout_and_fleiss_example() -> None:
    """Six targets, four judges (Psychological Bulletin 86 (1979) 420): ICC(2,1) 0.29, as R's psych
    gives its interval, 0.019 to 0.761."""
    low, high = icc_interval(subjects=11.242, raters=32.486, error=1.0194, n=6, k=4)
    assert (low, high) == (pytest.approx(0.019, abs=0.002), pytest.approx(0.761, abs=0.002))


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Subjects of variance 4, errors of variance 1, no bias: the ICC is 0.8."""
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(200):
        true = rng.normal(0, 2, 40)
        result = agreement(true + rng.normal(0, 1, 40), true + rng.normal(0, 1, 40))
        held += result.icc_interval[0] <= 0.8 <= result.icc_interval[1]
    assert 180 <= held <= 199


def test_bodies_of_few_persons_tell_less_than_bodies_of_many() -> None:
    """Ten persons of thirty bodies each, whose errors are a person's own: the interval by persons
    is far wider than one that takes bodies for persons; of persons with one body it is theirs."""
    rng = np.random.default_rng(4)
    persons = np.repeat([f"p{k}" for k in range(10)], 30)
    a = np.repeat(rng.normal(0, 2, 10), 30) + rng.normal(0, 0.1, 300)
    b = a + np.repeat(rng.normal(0, 1, 10), 30)
    low, high = agreement(a, b, list(persons)).icc_interval
    narrow, wide = agreement(a, b).icc_interval
    assert low < narrow - 0.05 and high > wide and low < agreement(a, b).icc < high
    each = agreement(a[::30], b[::30], list(persons[::30]))
    assert each.icc_interval == agreement(a[::30], b[::30]).icc_interval


def test_one_person_gives_no_interval() -> None:
    a = np.random.default_rng(5).normal(0, 1, 30)
    assert np.isnan(agreement(a, a + 0.1, ["one"] * 30).icc_interval).all()


def test_the_drawn_interval_holds_the_truth_nearly_as_often_as_it_says() -> None:
    """Twenty persons of five bodies; a person's own part and error: the ICC is 4 / (4 + 1)."""
    rng, held = np.random.default_rng(6), 0
    for _ in range(60):
        true = np.repeat(rng.normal(0, 2**0.5, 20), 5) + rng.normal(0, 2**0.5, 100)
        own = np.repeat(rng.normal(0, 0.5**0.5, 20), 5) + rng.normal(0, 0.5**0.5, 100)
        other = np.repeat(rng.normal(0, 0.5**0.5, 20), 5) + rng.normal(0, 0.5**0.5, 100)
        persons = [f"p{k}" for k in np.repeat(np.arange(20), 5)]
        low, high = agreement(true + own, true + other, persons).icc_interval
        held += low <= 0.8 <= high
    assert held >= 0.85 * 60


def test_large_values_lose_no_digits() -> None:
    rng = np.random.default_rng(7)
    persons = [f"p{k}" for k in np.repeat(np.arange(12), 4)]
    a = rng.normal(0, 2, 48)
    b = a + rng.normal(0, 1, 48)
    plain = agreement(a, b, persons).icc_interval
    assert agreement(a + 1e6, b + 1e6, persons).icc_interval == pytest.approx(plain, abs=1e-6)
