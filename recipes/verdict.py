"""The third step of the shipped networks: python recipes/verdict.py DATA NAME

DATA holds the data sets. Writes src/spinetk/network/models/NAME.verdict.onnx and the calibration in the card. Heads
learn from the patients that the network was trained on and are calibrated on those that were held out; of a network that
was trained on everybody (ct) each third of the patients is judged by heads that learned from the other two thirds: the
boxes and masks have seen them, the heads have not. Before: python recipes/landmark_labels.py DATA/mr_sysu mr
runs/data/mr_sysu_mr; for ct the sets of recipes/ct-spines.toml.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from spinetk.datasets.annotated import AnnotatedImage, read_datasets
from spinetk.datasets.splits import patient_folds, patient_hash
from spinetk.network.detector import Detector
from spinetk.network.registry import find_model
from spinetk.training.config import NetworkConfig, TrainingConfig
from spinetk.training.make_verdict import calibrate_card, judged, write_verdict
from spinetk.training.verdict_samples import VerdictSamples, collect, joined

ROOT = Path(__file__).parents[1]
SETS: dict[str, dict[str, int]] = {
    "mr": dict.fromkeys(
        ("mr_spider", "mr_backspine", "mr_vb1", "mr_vb2", "mr_vb3", "mr_cspine", "mr_spider2", "mr_spineps",
         "mr_wholespine", "mr_sysu_mr"), 4,
    ),
    "ct": dict.fromkeys(("ct_lumbar", "ct_totalseg", "ct_crop", "ct_oppo", "ct_verse", "ct_verse_volumes",
                         "ct_totalseg_volumes", "ct_unlabelled2_ct", "ct_more_ct"), 8)
    | {"mr_spider": 1, "mr_cspine": 2, "mr_vb1": 1, "mr_wholespine": 4},
    "xr": dict.fromkeys(("xr_aasce", "xr_ap_outline", "xr_lat_spine", "xr_ceph", "xr_lateral_xr"), 4),
}  # fmt: skip
"""Data sets and how many views of each of their images are learned from."""
LOOSE = ("mr_backspine", "xr_aasce")
"""Coarse polygons, and quadrilaterals of which many are off."""


def main(data: Path, name: str) -> None:
    model = find_model(name)
    sides = TrainingConfig().fitted_side | model.input_sides
    network = NetworkConfig(classes=model.classes)
    config = TrainingConfig(network=network, fitted_side=sides, loose_outlines=LOOSE)
    held = set(model.card["held_out_patients_sha256"])
    images: list[AnnotatedImage] = []
    parts = []
    for folder, views in SETS[name].items():
        at = next(top / folder for top in (data, ROOT / "runs" / "data") if (top / folder).is_dir())
        [one] = read_datasets([at])
        usable = [
            i
            for i in one.images
            if (i.instances or i.complete) and patient_hash(i.patient) not in held
        ]
        if usable:
            samples = collect(
                usable, Detector(model.path, threads=1), replace(config, verdict_views=views)
            )
            parts.append(replace(samples, image=samples.image + len(images)))
            images += usable
        print(f"{folder}: {len(usable)} images", flush=True)
    samples = joined(parts)
    if held:
        folders = [data / folder for folder in SETS[name] if (data / folder).is_dir()]
        unseen = [
            i for s in read_datasets(folders) for i in s.images if patient_hash(i.patient) in held
        ]
        write_verdict(model.path, samples, config)
        calibrate_card(model.path, *judged(model.path, unseen, config), config)
        return
    outlines, columns = [], []
    own = [i for i in images if i.modality == "CT"]
    for fold in patient_folds(own, 3):
        write_verdict(model.path, without(samples, images, fold), config)
        found = judged(model.path, [i for i in own if i.patient in fold], config)
        outlines += found[0]
        columns += found[1]
    write_verdict(model.path, samples, config)
    calibrate_card(model.path, outlines, columns, config)


def without(
    samples: VerdictSamples, images: list[AnnotatedImage], patients: frozenset[str]
) -> VerdictSamples:
    """The samples of other patients."""
    kept = np.array([image.patient not in patients for image in images])[samples.image]
    placed = kept[samples.level >= 0]
    return VerdictSamples(
        samples.around[kept], samples.near[placed], samples.far[placed], samples.labels[kept], samples.dice[kept],
        samples.level[kept], samples.image[kept],
    )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
