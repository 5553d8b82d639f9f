import pytest

from spinetk.boxes import mask_box
from spinetk.structures import BODY_KIND, DISC_KIND, DISC_LEVELS, LEVELS, VARIANTS
from spinetk.study import Instance
from spinetk.writers.dicom_codes import DISC, VERTEBRA, label_of, structure_code
from tests.conftest import Painter


@pytest.fixture
def make(block: Painter):  # type: ignore[no-untyped-def]
    def instance(kind: str, level: str | None) -> Instance:
        mask = block(9, 9, 0, 0, 3, 3)
        return Instance(kind, mask, mask_box(mask), 0.9, order=2, level=level)

    return instance


def test_every_level_has_a_code(make) -> None:  # type: ignore[no-untyped-def]
    for level in LEVELS:
        assert structure_code(make(BODY_KIND, level)).scheme_designator == "SCT"
        assert structure_code(make(BODY_KIND, level)) != VERTEBRA
    for variant in VARIANTS:
        assert structure_code(make(BODY_KIND, variant)) == VERTEBRA
    special = {level for level in DISC_LEVELS if structure_code(make(DISC_KIND, level)) == DISC}
    assert "C1-C2" in special  # no such disc: a person may mark one all the same
    assert {"L4-L5", "L5-S1", "T12-L1", "C7-T1", "C2-C3"}.isdisjoint(special)
    assert structure_code(make(DISC_KIND, None)) == DISC


def test_other_structures_have_a_code_of_our_own(make) -> None:  # type: ignore[no-untyped-def]
    code = structure_code(make("interbody_cage", None))
    assert (code.value, code.scheme_designator, code.meaning) == (
        "INTERBODY_CAGE", "99SPINETK", "interbody cage",
    )  # fmt: skip
    assert label_of(make("interbody_cage", None)) == "interbody cage 2 from below"
    assert label_of(make(BODY_KIND, "L3")) == "L3"
