import numpy as np
import pytest

from spinetk.measures.alignment import angles
from spinetk.measures.relations import Member
from spinetk.measures.shape import Outline
from spinetk.structures import BODY_KIND, LEVELS


def plate(degrees: float, y: float) -> np.ndarray:
    """An end plate that falls by so much from front to back."""
    x = np.array([-25.0, -20.0, 0.0, 20.0, 25.0])
    return np.stack([x, y + x * np.tan(np.radians(degrees))], axis=1)


def column(slopes: dict[str, tuple[float, float]]) -> list[Member]:
    """Bodies with the slopes of their upper and lower end plates, from above."""
    return [
        Member(BODY_KIND, level, len(slopes) - i, (0.0, 50.0 * i),
               Outline(plate(up, 50 * i), plate(down, 50 * i + 30)))
        for i, (level, (up, down)) in enumerate(slopes.items())
    ]  # fmt: skip


def test_lordosis_and_kyphosis_have_their_signs() -> None:
    members = column({"T4": (-15, -13), "T12": (18, 20), "L1": (20, 18), "L5": (-12, -18),
                      "S1": (-35, 0)})  # fmt: skip
    found = {(a.name, a.upper, a.lower): a.degrees for a in angles(members, (1, 1), frontal=False)}
    assert found == {
        ("lordosis", "L1", "S1"): pytest.approx(55),
        ("lordosis", "L1", "L5"): pytest.approx(38),
        ("kyphosis", "T4", "T12"): pytest.approx(35),
    }


def test_the_necks_lordosis_begins_below_the_dens() -> None:
    members = column({"C2": (50, 10), "C7": (-10, -15)})
    [angle] = angles(members, (1, 1), frontal=False)
    assert (angle.upper, angle.lower) == ("C2", "C7") and angle.degrees == pytest.approx(25)


def test_the_cobb_angle_is_the_largest_with_its_levels() -> None:
    tilts = np.concatenate([np.linspace(0, -22, 5), np.linspace(-22, 19, 8), np.linspace(19, 0, 4)])
    names = LEVELS[LEVELS.index("T1") : LEVELS.index("S1")]
    members = column({n: (float(t), float(t)) for n, t in zip(names, tilts, strict=True)})
    [angle] = angles(members, (1, 1), frontal=True)
    assert angle.name == "cobb" and angle.degrees == pytest.approx(41)
    assert angle.upper in ("T5", "T6") and angle.lower in ("L1", "L2")
    assert angles(members[:2], (1, 1), frontal=True) == []


def test_millimetres_of_unequal_pixels_change_an_angle() -> None:
    members = column({"L1": (20, 18), "L5": (-12, -20)})
    [angle] = angles(members, (2, 1), frontal=False)
    expected = sum(np.degrees(np.arctan(2 * np.tan(np.radians(20)))) for _ in range(2))
    assert angle.degrees == pytest.approx(expected)


def test_missing_end_plates_make_no_angle() -> None:
    members = column({"L1": (20, 18), "L5": (-12, -20)})
    bare = Member(BODY_KIND, "L5", 1, (0, 50), Outline(reason="cut"))
    assert angles([members[0], bare], (1, 1), frontal=False) == []
