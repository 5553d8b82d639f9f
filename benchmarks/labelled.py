"""The labelled volumes of data sets, each with the network of its modality."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from spinetk.datasets.splits import patient_hash
from spinetk.network.loaded import LoadedModel, load_model
from spinetk.study import Modality

ENDING = "_bodies.nii.gz"


@dataclass(frozen=True)
class LabelledVolume:
    """A volume and its bodies.

    Attributes:
        seen: the network was trained on the patient, by its card.
    """

    data_set: str
    name: str
    image: Path
    labels: Path
    loaded: LoadedModel
    seen: bool

    @property
    def modality(self) -> Modality:
        return "CT" if self.data_set.startswith("ct_") else "MR"


def labelled_volumes(data: Path, networks: Mapping[str, str]) -> Iterator[LabelledVolume]:
    """Those of `DATA/SET/volumes`.

    Args:
        networks: the network's name for each data set's.
    """
    for data_set, network in networks.items():
        loaded = load_model(network)
        trained = set(loaded.model.card["trained_patients_sha256"])
        for labels in sorted((data / data_set / "volumes").glob(f"*{ENDING}")):
            name = labels.name.removesuffix(ENDING)
            seen = patient_hash(f"{data_set}-{name.split('-')[0]}") in trained
            yield LabelledVolume(
                data_set, name, labels.with_name(f"{name}.nii.gz"), labels, loaded, seen
            )
