"""A network ready to run on the slices of a series."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from spinetk.network.detector import Detector
from spinetk.network.fitting import NetworkInput, fit_slice
from spinetk.network.registry import FOR_MODALITY, Model, find_model
from spinetk.orientation import upright_turn
from spinetk.study import Modality, Series, Slice


@dataclass(frozen=True)
class LoadedModel:
    """A network ready to run, with the card that says how."""

    model: Model
    detector: Detector


def load_model(name: str | Path, threads: int | None = None) -> LoadedModel:
    """Load a shipped network ("mr") or an ONNX file with its card beside it.

    Raises:
        UsageError: there is no such network, or it cannot be loaded.
    """
    model = find_model(name)
    return LoadedModel(model, Detector(model.path, threads))


def model_for(series: Series, modality: Modality | None = None) -> tuple[str, Series]:
    """Name of the shipped network for a series, and the series with the modality that it is taken
    for (a warning says so where it is assumed).

    Args:
        modality: what the user says; what the file says is used otherwise.
    """
    chosen = modality or series.modality
    warnings = series.warnings
    if chosen is None:
        chosen = "MR"
        warnings += (
            "the file does not name its modality: MR is assumed (see --modality, or say it on the "
            "page before the upload)",
        )
    return FOR_MODALITY[chosen], replace(series, modality=chosen, warnings=warnings)


def prepared(one: Slice, loaded: LoadedModel, modality: Modality | None) -> NetworkInput:
    """The slice turned head up, anterior left, and fitted into the network's input."""
    turn = upright_turn(one.directions)
    side = loaded.model.input_side(modality)
    content = turn.box(one.content, one.pixels.shape) if one.content else None
    return fit_slice(
        turn.apply(one.visible), turn.spacing(one.spacing), side, modality, content=content
    )
