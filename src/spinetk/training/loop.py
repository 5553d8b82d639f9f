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
from spinetk.training.device import CPU, batches, has_bfloat16
from spinetk.training.network import SpineRCNN
from spinetk.training.samples import Batch, SampleSource
from spinetk.training.stopping import asked_to_stop
from spinetk.training.telling import Telling
from spinetk.training.weights import load_weights

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
    device: torch.device = CPU,
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
    run = Run(images, config, device, init)
    names = _fingerprint(images, init[0] if init else None)
    start = _resume(out, config, names, run.parts)
    with (
        asked_to_stop() as stop,
        Telling(config.iterations, start, quiet=quiet) as telling,
        (out / "losses.csv").open("a", newline="") as log,
    ):
        telling.say(f"training on {device} in {'bfloat16' if run.halved else 'float32'}")
        writer = csv.writer(log)
        kept = start_time = time.monotonic()
        for iteration, batch in batches(run.source, range(start, config.iterations), device):
            losses = run.step(iteration, batch)
            if iteration == 0:
                writer.writerow(["iteration", *losses, SECONDS])
            took, start_time = time.monotonic() - start_time, time.monotonic()
            writer.writerow([iteration, *(f"{v:.5f}" for v in losses.values()), f"{took:.3f}"])
            log.flush()
            done = iteration + 1
            telling.step(done, losses)
            due = done % config.checkpoint_every == 0 or time.monotonic() - kept > KEEP_SECONDS
            if due or done == config.iterations or stop.is_set():
                _save(out, done, config, names, run.parts)
                kept = time.monotonic()
            if stop.is_set():
                telling.say(f"stopped after step {done}; the same command goes on from here")
                raise KeyboardInterrupt
    return cast(SpineRCNN, run.average.module).cpu().eval()


class Run:
    """The moving parts of a training run.

    Args:
        init: weights to start from instead of ImageNet's, and the classes of their network.
    """

    def __init__(
        self,
        images: Sequence[AnnotatedImage],
        config: TrainingConfig,
        device: torch.device = CPU,
        init: tuple[Path, tuple[str, ...]] | None = None,
    ) -> None:
        torch.manual_seed(config.seed)
        self.config, self.device = config, device
        self.source = SampleSource(images, config)
        self.network = SpineRCNN(config.network, config)
        if init is not None:
            load_weights(self.network, *init)
        self.network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.network.train()
        self.average = AveragedModel(self.network, avg_fn=running_average(config), use_buffers=True)
        self.weights = [p for p in self.network.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(
            self.weights, lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser,
            max_lr=config.learning_rate,
            total_steps=config.iterations + 1,
            pct_start=config.warmup,
        )
        self.halved = has_bfloat16(device)

    @property
    def parts(self) -> dict[str, Any]:
        """What a checkpoint holds."""
        names = ("network", "average", "optimiser", "schedule")
        return {name: getattr(self, name) for name in names}

    def step(self, iteration: int, batch: Batch) -> dict[str, float]:
        """One step of the optimiser; returns the losses."""
        images, targets = batch
        # the sampling of regions inside the network follows the iteration, too
        torch.manual_seed(self.config.seed * 1_000_003 + iteration)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.halved):
            losses = self.network.losses(
                images.contiguous(memory_format=torch.channels_last), targets
            )
        total = torch.stack(list(losses.values())).sum()
        _stop_unless_finite(total, losses, iteration)
        self.optimiser.zero_grad()
        total.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.weights, self.config.gradient_norm)
        _stop_unless_finite(norm, losses, iteration)
        self.optimiser.step()
        self.schedule.step()
        self.average.update_parameters(self.network)
        return {name: float(value.detach()) for name, value in losses.items()}


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
    try:
        for name, part in parts.items():
            part.load_state_dict(content[name])
    except (ValueError, RuntimeError) as error:
        raise UsageError("holds a run of another version; choose another folder", out) from error
    _cut_log(out / "losses.csv", content["iteration"])
    return int(content["iteration"])


def _cut_log(path: Path, iteration: int) -> None:
    """Drop the lines that the run will write again."""
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[: iteration + 1]))
