"""What a network's evaluation says of its measures, by its card."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

from spinetk.errors import UsageError
from spinetk.network.registry import find_model
from spinetk.results.record import UsedModel

Figures = dict[str, dict[str, dict[str, float]]]
"""By kind of structure, measure and unit."""


def figures_of(model: UsedModel, what: Literal["errors", "least_change"]) -> Figures:
    """Root mean square errors against reference outlines, or least detectable changes, of the
    network that made a result; none where it is not here, in another state, or not evaluated."""
    return _card(model.name, model.sha256).get(what) or {}


@cache
def _card(name: str, sha256: str) -> dict[str, Any]:
    try:
        model = find_model(name)
    except UsageError:
        return {}
    return model.card if model.sha256 == sha256 else {}
