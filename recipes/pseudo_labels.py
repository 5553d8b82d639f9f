"""Label images by a network, to be looked at before use: python recipes/pseudo_labels.py SET MODEL OUT [REJECTED]

SET is a data set folder, MODEL a shipped network or an .onnx file. Every image of SET gets the network's bodies, discs
and S1 with a score of at least 0.9; where the set has true labels of a class they stay and the network only adds
instances that touch none of them. REJECTED is a text file of image names, one a line, that a person found wrong; with
instances' numbers after the name only those are rejected, and L5=N says that instance N is L5 (so that nothing below S1
is doubtful). Writes the data set OUT and OUT/looked-at.png, every outline
with its number. Nothing is exhaustive afterwards: what was missed or rejected is left out of the losses.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from spinetk.anatomy import order_and_name
from spinetk.boxes import mask_box, mask_centre
from spinetk.datasets.annotated import AnnotatedImage, read_dataset
from spinetk.datasets.writer import DatasetWriter
from spinetk.evaluation.compare import as_slice
from spinetk.network.loaded import LoadedModel, load_model
from spinetk.orientation import upright
from spinetk.pipeline import outline
from spinetk.structures import SPINE_CLASSES

SCORE = 0.9
TILE = 560


@dataclass(frozen=True)
class Looked:
    """What a person said of an image: rejected instances (or all), and levels of instances."""

    whole: bool = False
    numbers: frozenset[int] = frozenset()
    levels: dict[int, str] = field(default_factory=dict)


def read_looked(path: Path | None) -> dict[str, Looked]:
    found = {}
    for line in path.read_text().splitlines() if path else ():
        name, *words = line.split("#")[0].split() or [""]
        levels = {int(n): level for level, n in (w.split("=") for w in words if "=" in w)}
        numbers = frozenset(int(w) for w in words if "=" not in w)
        found[name] = Looked(not words, numbers, levels)
    return found


def instances(
    image: AnnotatedImage, loaded: LoadedModel
) -> list[tuple[int, str | None, np.ndarray]]:
    """(category, level, mask): the true ones first, then the network's."""
    out = [(a.category, a.level, a.mask) for a in image.instances]
    known = (
        np.any([mask for _, _, mask in out], axis=0) if out else np.zeros(image.pixels.shape, bool)
    )
    found, _ = order_and_name(
        outline(upright(as_slice(image)), loaded, SCORE, image.modality), None
    )
    for one in found:
        if (one.mask & known).mean(where=one.mask) < 0.1:
            mask = one.mask & ~known
            out.append(
                (SPINE_CLASSES.index(one.kind) + 1, "S1" if one.level == "S1" else None, mask)
            )
    return out


def picture(image: AnnotatedImage, kept: list[tuple[int, int, np.ndarray]]) -> np.ndarray:
    scale = TILE / max(image.pixels.shape)
    shown = cv2.resize(image.pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    shown = cv2.cvtColor(shown, cv2.COLOR_GRAY2BGR)
    for number, category, mask in kept:
        small = cv2.resize(
            mask.astype(np.uint8), shown.shape[1::-1], interpolation=cv2.INTER_NEAREST
        )
        lines, _ = cv2.findContours(small, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(shown, lines, -1, (0, 255, 255) if category == 1 else (0, 255, 0), 1)
        x, y = int(mask_box(mask)[2] * scale), int(mask_centre(mask)[1] * scale)
        cv2.putText(shown, str(number), (x, y), 0, 0.35, (255, 255, 255), 1)
    cv2.putText(shown, image.path.name, (4, 12), 0, 0.4, (0, 0, 255), 1)
    tile = np.zeros((TILE, TILE, 3), np.uint8)
    tile[: shown.shape[0], : shown.shape[1]] = shown
    return tile


def main(folder: Path, model: str, out: Path, rejected: Path | None) -> None:
    known, loaded, looked = read_dataset(folder), load_model(model), read_looked(rejected)
    source = json.loads((folder / "annotations.json").read_text())["images"]
    shutil.rmtree(out, ignore_errors=True)
    notes = f"labels partly by the network {loaded.model.sha256}, looked at"
    writer = DatasetWriter(out, known.info | {"notes": notes})
    tiles = []
    for image, entry in zip(known.images, source, strict=True):
        said = looked.get(image.path.name, Looked())
        kept = [
            (number, category, said.levels.get(number, level), mask)
            for number, (category, level, mask) in enumerate(instances(image, loaded))
            if number not in said.numbers and not said.whole
        ]
        if not kept:
            continue
        writer.add(
            image.path.stem, image.pixels,
            [((SPINE_CLASSES[category - 1], level), mask) for _, category, level, mask in kept],
            patient=image.patient, series=image.series, modality=image.modality,
            place=(image.slice_index, image.n_slices), spacing=image.spacing, view=entry["view"],
            labelled=SPINE_CLASSES, pseudo=True,
        )  # fmt: skip
        tiles.append(picture(image, [(n, c, m) for n, c, _, m in kept]))
    outlines = writer.close()
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % 4)
    rows = [np.hstack(tiles[i : i + 4]) for i in range(0, len(tiles), 4)]
    cv2.imwrite(str(out / "looked-at.png"), np.vstack(rows))
    print(f"{out}: {len(writer.images)} images, {outlines} instances")


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        sys.argv[2],
        Path(sys.argv[3]),
        Path(sys.argv[4]) if len(sys.argv) > 4 else None,
    )
