"""Where training computes: on the processor, or on a GPU that loader processes keep busy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import torch
from torch.utils.data import DataLoader, Dataset

from spinetk.cores import cores
from spinetk.errors import UsageError
from spinetk.training.samples import Batch, SampleSource

CPU = torch.device("cpu")
Choice = Literal["auto", "cpu", "cuda"]
ON_GPU = {"batch_size": 8}
"""What differs there by default: more samples a step take no more time."""
MOST_LOADERS = 8


def chosen_device(choice: Choice) -> torch.device:
    """The device that is meant: "auto" is a GPU where torch sees one.

    Raises:
        UsageError: there is no GPU.
    """
    there = torch.cuda.is_available()
    if choice == "cuda" and not there:
        raise UsageError("--device cuda: torch sees no GPU here")
    return torch.device("cuda" if there and choice != "cpu" else "cpu")


def has_bfloat16(device: torch.device) -> bool:
    """Whether the device computes in bfloat16; elsewhere it takes twice as long as float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    known = torch.backends.cpu.get_cpu_capability() != "DEFAULT"
    return known and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def batches(
    source: SampleSource,
    iterations: Sequence[int],
    device: torch.device,
    loaders: int | None = None,
) -> Iterator[tuple[int, Batch]]:
    """The batch of each iteration, on the device.

    Args:
        loaders: processes that make batches ahead; by default none beside a processor that
            computes, and all cores but one beside a GPU. Batches are the same.
    """
    if loaders is None:
        loaders = 0 if device.type == "cpu" else min(MOST_LOADERS, max(1, cores() - 1))
    loader = DataLoader(
        _Batches(source),
        batch_size=None,
        sampler=list(iterations),
        num_workers=loaders,
        pin_memory=device.type == "cuda",
    )
    for iteration, (images, targets) in zip(iterations, loader, strict=True):
        on = [{k: v.to(device, non_blocking=True) for k, v in t.items()} for t in targets]
        yield iteration, (images.to(device, non_blocking=True), on)


class _Batches(Dataset[Batch]):
    def __init__(self, source: SampleSource) -> None:
        self.source = source

    def __getitem__(self, iteration: int) -> Batch:
        return self.source.batch(iteration)
