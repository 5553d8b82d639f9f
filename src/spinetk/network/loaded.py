"""A network ready to run on the slices of a series."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from spinetk.network.detector import Detector
from spinetk.network.devices import CPU
from spinetk.network.fitting import NetworkInput, fit_slice
from spinetk.network.registry import FOR_MODALITY, Model, find_model
from spinetk.orientation import Upright
from spinetk.study import Modality, Series
from spinetk.warning import Warning


@dataclass(frozen=True)
class LoadedModel:
    """A network ready to run, with the card that says how."""

    model: Model
    detector: Detector


def load_model(name: str | Path, threads: int | None = None, device: str = CPU) -> LoadedModel:
    """Load a shipped network ("mr") or an ONNX file with its card beside it.

    Args:
        device: of `devices.PROVIDERS`.

    Raises:
        UsageError: there is no such network, or it cannot be loaded.
    """
    model = find_model(name)
    return LoadedModel(model, Detector(model.path, threads, device))


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
            Warning("modality-assumed", "the file does not name its modality: MR is assumed"),
        )
    return FOR_MODALITY[chosen], replace(series, modality=chosen, warnings=warnings)


def prepared(
    view: Upright, loaded: LoadedModel, modality: Modality | None, side: int | None = None
) -> NetworkInput:
    """The upright slice fitted into the network's input.

    Args:
        side: of the input in pixels, the longer one; the card's for the modality by default.
    """
    side = side or loaded.model.input_side(modality)
    return fit_slice(view.visible, view.spacing, side, modality, content=view.content)
