from typing import Any

import pytest

from spinetk.measures.judgement import Verdict, instance_verdicts, study_verdict
from spinetk.measures.shape import ONLY_ONE
from spinetk.structures import BODY_KIND, DISC_KIND
from spinetk.warning import Warning


def row(order: int, **changed: Any) -> dict[str, Any]:
    found = {
        "kind": BODY_KIND, "level": None, "order": order, "score": 0.99, "poor": False,
        "truncated": False, "unmeasured": "", "ungraded": "", "width_px": 50.0,
        "height_middle_px": 30.0,
        "upper_slope_deg": 4.0, "lower_slope_deg": 4.0, "shape_fit": 0.95,
        "centroid_x_px": 100.0, "centroid_y_px": 500.0 - 40.0 * order, "spacing_row_mm": 0.7,
        "spacing_column_mm": 0.7,
    } | changed  # fmt: skip
    for name in ("width", "height_middle"):
        size = found[f"{name}_px"]
        found.setdefault(f"{name}_mm", None if size is None else 0.7 * size)
    return found


def judged(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows with their verdicts, as the table has them."""
    return [
        one | {"verdict": verdict.judgement, "reasons": "; ".join(verdict.reasons)}
        for one, verdict in zip(rows, instance_verdicts(rows), strict=True)
    ]


@pytest.mark.parametrize(
    ("changed", "judgement", "reason"),
    [
        ({}, "ok", ""),
        ({"truncated": True}, "reject", "the border of the image cuts it"),
        ({"poor": True}, "check", "its outline is probably poor"),
        ({"score": 0.42}, "check", "the network is unsure of it (score 0.42)"),
        ({"score": 0.0}, "ok", ""),  # a person's
        ({"unmeasured": "it is no block"}, "check", "it is no block"),
        ({"unmeasured": "only its ...", "level": "S1", "width_px": None}, "ok", ""),
        ({"unmeasured": "only its ...", "level": "C2", "upper_slope_deg": None}, "ok", ""),
        ({"unmeasured": ONLY_ONE.format("upper"), "width_px": None}, "ok", ""),  # S1, unnamed
        ({"unmeasured": "gone", "level": "S1", "upper_slope_deg": None}, "check", "gone"),
        ({"shape_fit": 0.71}, "check", "it is hardly a block (fit 0.71)"),
        ({"width_px": 30.0}, "check", "its width is 60% of its neighbours'"),
        ({"width_px": 80.0}, "check", "its width is 160% of its neighbours'"),
        ({"height_middle_px": 18.0}, "ok", ""),  # a severe fracture is no error
        ({"height_middle_px": 12.0}, "check", "its height is 40% of its neighbours'"),
        ({"ungraded": "its neighbours"}, "check", "its neighbours"),
        ({"upper_slope_deg": 44.0}, "check", "it leans 40 degrees against its neighbours"),
    ],
)
def test_an_instance_and_why(changed: dict[str, Any], judgement: str, reason: str) -> None:
    verdict = instance_verdicts([row(1), row(2), row(3, **changed), row(4), row(5)])[2]
    assert verdict == Verdict(judgement, (reason,) if reason else ())  # type: ignore[arg-type]


def test_sizes_are_held_against_others_in_millimetres() -> None:
    """Pixels twice as wide as high: a body that lies aslant has more of the high ones."""
    around = [row(n) for n in (1, 2, 4, 5)]
    aslant = row(3, width_px=75.0, width_mm=35.0)
    assert instance_verdicts([*around, aslant])[-1].judgement == "ok"
    unknown = [one | {"spacing_row_mm": None, "spacing_column_mm": None} for one in around]
    longer = row(3, width_px=80.0, spacing_row_mm=None, spacing_column_mm=None)
    assert instance_verdicts([*unknown, longer])[-1].judgement == "check"


def test_a_disc_is_held_against_discs_and_nobody_against_one_alone() -> None:
    discs = [row(n, kind=DISC_KIND, height_middle_px=9.0) for n in (1, 2, 3)]
    bodies = [row(1), row(2, width_px=20.0)]
    assert [v.judgement for v in instance_verdicts([*bodies, *discs])] == ["ok"] * 5


def test_a_study_is_as_good_as_its_instances_and_warnings() -> None:
    rows = judged(row(1, level="L5"), row(2, level="L4", poor=True), *map(row, (3, 4, 5)))
    assert study_verdict(rows[2:], []) == Verdict("ok")
    assert study_verdict(rows, []) == Verdict("check", ("L4: its outline is probably poor",))
    note, check = Warning("picture", "a picture"), Warning("coarse", "thick slices")
    assert study_verdict(rows[2:], [note]) == Verdict("ok")
    assert study_verdict(rows[2:], [note, check]).reasons == ("thick slices",)


def test_what_the_border_cuts_is_no_reason_to_look() -> None:
    rows = judged(row(1), row(2), row(3), row(4, truncated=True))
    assert study_verdict(rows, []) == Verdict("ok")


def test_the_wrong_network_or_mostly_doubtful_bodies_reject_a_study() -> None:
    film = Warning("other-modality-network", "a film, segmented by the MR network")
    verdict = study_verdict(judged(row(1), row(2)), [Warning("coarse", "thick slices"), film])
    assert verdict == Verdict("reject", (film.text, "thick slices"))
    poor = judged(row(1, poor=True), row(2, poor=True), row(3))
    assert study_verdict(poor, []).reasons[0] == "2 of 3 bodies are in doubt"


def test_a_result_of_which_every_body_is_cut_is_no_result() -> None:
    cut = judged(*(row(order, truncated=True) for order in (1, 2, 3)))
    verdict = study_verdict(cut, ())
    assert verdict.judgement == "reject" and "cuts every body" in verdict.reasons[0]
    assert study_verdict(judged(row(1), row(2, truncated=True)), ()).judgement == "ok"


def test_a_body_squeezed_between_two_others_is_looked_at_with_its_neighbours() -> None:
    rows = [row(1), row(2), row(3), row(4, centroid_y_px=500 - 135), row(5, centroid_y_px=340)]
    more = [row(6, centroid_y_px=300), row(7, centroid_y_px=260)]
    reasons = [verdict.reasons for verdict in instance_verdicts([*rows, *more])]
    told = "it lies at 38% of the usual distance from the next body"
    assert [told in told_of for told_of in reasons] == [
        False,
        False,
        True,
        True,
        False,
        False,
        False,
    ]
    assert not any(v.reasons for v in instance_verdicts([row(k) for k in range(1, 8)]))


def test_a_crushed_body_does_not_lie_too_near() -> None:
    """Half of its height is gone: 30 of 40 between the centres."""
    heights = [0, 40, 80, 110, 140, 180, 220]
    rows = [row(k, centroid_y_px=500.0 - at) for k, at in enumerate(heights, 1)]
    assert not any("distance" in " ".join(v.reasons) for v in instance_verdicts(rows))
