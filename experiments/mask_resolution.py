"""What the mask's resolution caps Dice at, and what it costs.

    python experiments/mask_resolution.py DATA_SET...

The reference mask of every instance is sampled to an M x M grid over its grown box, on the
source's own grid, and pasted back, as inference does: a network cannot do better than this Dice. The cost is the
time of the mask head in torch for 20 boxes. Writes docs/results/mask_resolution.{json,md}.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from spinetk.boxes import dice
from spinetk.datasets.annotated import read_dataset
from spinetk.network.paste import paste_mask
from spinetk.training import network as net

OUT = Path(__file__).parents[1] / "docs" / "results"
SIDES = (14, 28, 56)


def caps(folder: Path, every: int = 7) -> list[dict[str, Any]]:
    one = read_dataset(folder)
    scores: dict[tuple[str, int], list[float]] = {}
    for image in one.images[::every]:
        for note in image.instances:
            mask = torch.from_numpy(note.mask.astype(np.uint8))[None]
            box = net.grow(torch.tensor([note.box], dtype=torch.float32), 0.15)
            for side in SIDES:
                net.MASK_SIDE = side
                soft = net.crop_masks(mask, torch.tensor([0]), box)[0].numpy()
                back = paste_mask(soft, box[0].numpy(), *note.mask.shape)
                kind = one.classes[note.category - 1]
                scores.setdefault((kind, side), []).append(dice(note.mask, back))
    net.MASK_SIDE = 56
    return [
        {"dataset": one.name, "kind": kind, "side": side,
         "dice_median": float(np.median(values)), "dice_p5": float(np.percentile(values, 5))}
        for (kind, side), values in sorted(scores.items())
    ]  # fmt: skip


def cost(boxes: int = 20) -> dict[str, float]:
    """Milliseconds of the mask head for `boxes` boxes, with output 28 (no last step) and 56."""
    head = net.MaskHead(96, 4).eval()
    coarse, fine = torch.rand(boxes, 96, 14, 14), torch.rand(boxes, 16, 28, 28)
    smaller = torch.nn.Conv2d(48, 4, 1)

    def at_28() -> None:
        up = torch.relu(head.up(head.context(coarse)))
        smaller(head.rim(torch.cat([up, fine], dim=1)))

    out = {}
    with torch.no_grad():
        for name, work in (("28", at_28), ("56", lambda: head(coarse, fine))):
            times = []
            for _ in range(15):
                start = time.perf_counter()
                work()
                times.append(time.perf_counter() - start)
            out[name] = round(1000 * statistics.median(times), 2)
    return out


def main(folders: list[str]) -> None:
    rows = [row for folder in folders for row in caps(Path(folder))]
    milliseconds = cost()
    OUT.mkdir(parents=True, exist_ok=True)
    content = {"caps": rows, "mask_head_ms_20_boxes": milliseconds}
    (OUT / "mask_resolution.json").write_text(json.dumps(content, indent=1) + "\n")
    lines = [
        "| data set | structure | grid | best Dice, median | 5th percentile |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {r['dataset']} | {r['kind'].replace('_', ' ')} | {r['side']} x {r['side']} "
        f"| {r['dice_median']:.4f} | {r['dice_p5']:.4f} |"
        for r in rows
    ]
    lines.append(
        f"\nThe mask head takes {milliseconds['28']} ms for 20 boxes with a 28 x 28 output and "
        f"{milliseconds['56']} ms with 56 x 56 (torch, this machine)."
    )
    (OUT / "mask_resolution.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
