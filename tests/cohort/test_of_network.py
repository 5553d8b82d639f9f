"""Figures of the network that made a result, and of no other."""

import pytest

from spinetk.cohort.of_network import figures_of
from spinetk.network.registry import find_model
from spinetk.results.record import UsedModel


def test_the_cards_figures_are_those_of_its_network_alone() -> None:
    model = find_model("mr")
    errors = figures_of(UsedModel("mr", model.sha256), "errors")
    assert errors["vertebral_body"]["height_middle"]["mm"] > 0
    least = figures_of(UsedModel("mr", model.sha256), "least_change")
    assert 0 < least["vertebral_body"]["height_middle"]["mm"] < 5
    assert figures_of(UsedModel("mr", "0" * 64), "errors") == {}
    assert figures_of(UsedModel("mine", "0" * 64), "errors") == {}


@pytest.mark.parametrize(("name", "angle"), [("mr", "lordosis L1-L5"), ("xr", "cobb")])
def test_a_shipped_card_knows_each_angle_by_its_name(name: str, angle: str) -> None:
    errors = find_model(name).card["errors"]["column"]
    assert all(key == "cobb" or "-" in key for key in errors)
    assert 0.5 < errors[angle]["degrees"] < 15
