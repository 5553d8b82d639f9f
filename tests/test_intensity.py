import numpy as np

from spinetk.intensity import to_unit_range


def test_percentiles_become_zero_and_one() -> None:
    pixels = np.arange(1000, dtype=np.float32).reshape(20, 50)
    unit = to_unit_range(pixels)
    assert unit.min() == 0 and unit.max() == 1
    np.testing.assert_allclose(unit.mean(), 0.5, atol=1e-3)


def test_is_the_same_whatever_the_units() -> None:
    pixels = np.random.default_rng(0).gamma(2, 100, (40, 40)).astype(np.float32)
    np.testing.assert_allclose(to_unit_range(pixels), to_unit_range(pixels * 7 - 900), atol=1e-5)


def test_a_few_extreme_pixels_do_not_matter() -> None:
    pixels = np.random.default_rng(0).random((100, 100)).astype(np.float32)
    hot = pixels.copy()
    hot[0, :5] = 1e6
    assert np.abs(to_unit_range(pixels) - to_unit_range(hot))[1:].max() < 0.01


def test_flat_and_not_finite_pixels_give_finite_values() -> None:
    assert (to_unit_range(np.full((5, 5), 3.0)) == 0).all()
    broken = np.eye(40, dtype=np.float32)
    broken[3, 4] = np.nan
    assert np.isfinite(to_unit_range(broken)).all()


def test_ct_is_seen_through_the_bone_window() -> None:
    """How far air and metal lie beyond the window changes nothing; without it, metal would."""
    rng = np.random.default_rng(0)
    image = rng.normal(150, 120, (64, 64)).astype(np.float32)
    image[50:], image[30:34, :20] = -1024, 1300
    worn = np.where(image == 1300, 12000, image).astype(np.float32)
    np.testing.assert_array_equal(to_unit_range(image, "CT"), to_unit_range(worn, "CT"))
    bone = np.s_[:30]
    assert to_unit_range(worn, "CT")[bone].std() > 2 * to_unit_range(worn, "MR")[bone].std()


def test_a_picture_of_a_ct_is_taken_as_it_is() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (40, 40)).astype(np.float32)
    np.testing.assert_array_equal(to_unit_range(picture, "CT"), to_unit_range(picture, "MR"))
