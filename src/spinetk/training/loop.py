"""The training loop: one-cycle AdamW, running average of the weights, resumable checkpoints."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from spinetk.atomic import whole_file
from spinetk.datasets.annotated import AnnotatedImage
from spinetk.errors import SpineError, UsageError
from spinetk.training.config import TrainingConfig
from spinetk.training.export import load_weights
from spinetk.training.network import SpineRCNN
from spinetk.training.samples import SampleSource
from spinetk.training.stopping import asked_to_stop
from spinetk.training.telling import Telling

CHECKPOINT = "checkpoint.pt"
SECONDS = "seconds"
KEEP_SECONDS = 300.0
"""A checkpoint is written at least so often."""


def train(
    images: Sequence[AnnotatedImage],
    out: Path,
    config: TrainingConfig,
    *,
    init: tuple[Path, tuple[str, ...]] | None = None,
    quiet: bool = False,
) -> SpineRCNN:
    """Train a network and return it with the averaged weights, in evaluation mode.

    `out` receives `config.json`, `losses.csv` and `checkpoint.pt`; where a checkpoint of the same
    configuration is there already, the run goes on from it. `init` is a safetensors file to start
    from instead of ImageNet weights, and the classes of its network.

    Raises:
        UsageError: `out` holds a run with another configuration, start or annotations.
        SpineError: a loss is not finite.
        KeyboardInterrupt: SIGINT or SIGTERM came; the checkpoint is that of the last step.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    source = SampleSource(images, config)
    network = SpineRCNN(config.network, config).to(memory_format=torch.channels_last)
    if init is not None:
        load_weights(network, *init)
    network.train()
    average = AveragedModel(network, avg_fn=running_average(config), use_buffers=True)
    weights = [p for p in network.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        weights, lr=config.learning_rate, weight_decay=config.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        max_lr=config.learning_rate,
        total_steps=config.iterations + 1,
        pct_start=config.warmup,
    )
    parts = {"network": network, "average": average, "optimiser": optimiser, "schedule": schedule}
    names = _fingerprint(images, init[0] if init else None)
    start = _resume(out, config, names, parts)
    halved = has_bfloat16()
    with (
        asked_to_stop() as stop,
        Telling(config.iterations, start, quiet=quiet) as telling,
        (out / "losses.csv").open("a", newline="") as log,
    ):
        telling.say(f"training in {'bfloat16' if halved else 'float32'}")
        writer = csv.writer(log)
        kept = time.monotonic()
        for iteration in range(start, config.iterations):
            start_time = time.perf_counter()
            losses = _step(network, source, config, iteration, halved, optimiser, weights)
            schedule.step()
            average.update_parameters(network)
            if iteration == 0:
                writer.writerow(["iteration", *losses, SECONDS])
            took = time.perf_counter() - start_time
            writer.writerow([iteration, *(f"{v:.5f}" for v in losses.values()), f"{took:.3f}"])
            log.flush()
            done = iteration + 1
            telling.step(done, losses)
            due = done % config.checkpoint_every == 0 or time.monotonic() - kept > KEEP_SECONDS
            if due or done == config.iterations or stop.is_set():
                _save(out, done, config, names, parts)
                kept = time.monotonic()
            if stop.is_set():
                telling.say(f"stopped after step {done}; the same command goes on from here")
                raise KeyboardInterrupt
    return cast(SpineRCNN, average.module).eval()


def _step(
    network: SpineRCNN,
    source: SampleSource,
    config: TrainingConfig,
    iteration: int,
    halved: bool,
    optimiser: torch.optim.Optimizer,
    weights: Sequence[Tensor],
) -> dict[str, float]:
    """One step of the optimiser; returns the losses."""
    batch, targets = source.batch(iteration)
    # the sampling of regions inside the network follows the iteration, too
    torch.manual_seed(config.seed * 1_000_003 + iteration)
    with torch.autocast("cpu", torch.bfloat16, enabled=halved):
        losses = network.losses(batch.contiguous(memory_format=torch.channels_last), targets)
    total = torch.stack(list(losses.values())).sum()
    _stop_unless_finite(total, losses, iteration)
    optimiser.zero_grad()
    total.backward()
    norm = torch.nn.utils.clip_grad_norm_(weights, config.gradient_norm)
    _stop_unless_finite(norm, losses, iteration)
    optimiser.step()
    return {name: float(value.detach()) for name, value in losses.items()}


def has_bfloat16() -> bool:
    """Whether the processor computes in bfloat16; elsewhere it takes twice as long as float32."""
    known = torch.backends.cpu.get_cpu_capability() != "DEFAULT"
    return known and (torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def running_average(config: TrainingConfig) -> Callable[[Tensor, Tensor, Tensor | int], Tensor]:
    """How the average takes a step's weights in: (average, weights, steps so far) -> average."""
    highest = max(0.0, min(config.average_decay, 1 - 10 / config.iterations))

    def take_in(average: Tensor, weights: Tensor, steps: Tensor | int) -> Tensor:
        done = int(steps)
        decay = min(highest, (1 + done) / (10 + done))
        return average.lerp(weights, 1 - decay) if average.is_floating_point() else weights

    return take_in


def seconds_trained(folder: Path) -> float:
    """Time of all iterations of a run, whatever number of sessions it took."""
    with (folder / "losses.csv").open(newline="") as stream:
        return sum(float(row[SECONDS]) for row in csv.DictReader(stream))


def _stop_unless_finite(value: Tensor, losses: dict[str, Tensor], iteration: int) -> None:
    """Stop before a loss or gradient that is not finite gets into the weights."""
    if math.isfinite(float(value.detach())):
        return
    shown = ", ".join(f"{name} {float(loss.detach()):.3g}" for name, loss in losses.items())
    raise SpineError(
        f"iteration {iteration}: the loss is not finite, or its gradient ({shown}); check the "
        "annotations, or train anew in another folder with a lower learning_rate"
    )


def _save(
    out: Path, iteration: int, config: TrainingConfig, images: str, parts: dict[str, Any]
) -> None:
    content = {name: part.state_dict() for name, part in parts.items()}
    content |= {"iteration": iteration, "config": config.as_dict(), "images": images}
    with whole_file(out / CHECKPOINT) as unfinished, unfinished.open("wb") as stream:
        torch.save(content, stream)


def _fingerprint(images: Sequence[AnnotatedImage], init: Path | None) -> str:
    """SHA-256 of what is trained on: names and annotations of the images, and the start."""
    content = hashlib.sha256(init.read_bytes() if init else b"")
    for image in sorted(images, key=lambda i: i.key):
        labels = [(a.category, a.level, a.rle["counts"]) for a in image.instances]
        known = (image.key, image.patient, image.labelled_categories, image.exhaustive, labels)
        content.update(repr(known).encode())
    return content.hexdigest()


def _resume(out: Path, config: TrainingConfig, images: str, parts: dict[str, Any]) -> int:
    """Load the checkpoint of `out` if there is one; returns the iteration to go on with."""
    written = json.dumps(config.as_dict(), indent=2)
    if not (out / CHECKPOINT).is_file():
        (out / "config.json").write_text(written + "\n")
        (out / "losses.csv").write_text("")
        return 0
    content = torch.load(out / CHECKPOINT, map_location="cpu", weights_only=True)
    if json.dumps(content["config"], indent=2) != written or content["images"] != images:
        raise UsageError(
            "holds a run with another configuration, start or annotations; "
            "choose another folder or delete it",
            out,
        )
    for name, part in parts.items():
        part.load_state_dict(content[name])
    _cut_log(out / "losses.csv", content["iteration"])
    return int(content["iteration"])


def _cut_log(path: Path, iteration: int) -> None:
    """Drop the lines that the run will write again."""
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[: iteration + 1]))
