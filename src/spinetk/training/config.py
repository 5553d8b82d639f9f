"""Every number that a training run depends on, typed, with its default and unit."""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from spinetk.errors import UsageError

REPURPOSING: dict[str, Any] = {
    "iterations": 600,
    "batch_size": 4,
    "learning_rate": 2.5e-4,
    "average_decay": 0.99,
}
"""What differs by default where training starts from another network (`--init`): it knows what a
spine looks like, and is to keep it."""


@dataclass(frozen=True)
class NetworkConfig:
    """Shape of the network; stored in the checkpoint and in the model card.

    Anchor sizes are the square root of the anchor's area in input pixels, one tuple for each
    pyramid level (strides 4, 8, 16, 32); aspect ratios are height / width. Both were fitted to the
    boxes of the training sets (`experiments/anchors.py`): bodies lie near 0.8, discs near 0.3.
    """

    classes: tuple[str, ...] = ("vertebral_body", "intervertebral_disc")
    pyramid_channels: int = 96
    anchor_sizes: tuple[tuple[int, ...], ...] = ((14, 22), (34, 50), (74, 104), (140, 180))
    anchor_ratios: tuple[float, ...] = (0.22, 0.45, 0.9)
    box_head_width: int = 512
    mask_margin: float = 0.15
    """The mask head sees each box grown by this share of its sides, so that a box that is a little
    too small does not clip the mask; the reported box is the mask's own bounding box."""


@dataclass(frozen=True)
class AugmentationConfig:
    """Random changes to each training image. `p_*` are probabilities, ranges are uniform.

    Rotation, flips, contrast and brightness are the paper's, and the crop, which is the training
    square itself. Where the paper stores five altered copies of each image,
    every draw here is altered anew. Scales are relative to the image with its longer side fitted
    to the modality's `fitted_side`.
    """

    rotation_degrees: float = 15.0
    scale: tuple[float, float] = (0.6, 1.35)
    p_body_width: float = 0.5
    """How often the scale is drawn so that the bodies get a width of `body_width` input pixels
    instead: bodies of whole spines are small in their picture, those of a neck large."""
    body_width: tuple[float, float] = (22.0, 120.0)
    stretch: tuple[float, float] = (0.85, 1.18)
    shear_degrees: float = 5.0
    p_flip_horizontal: float = 0.3
    p_flip_vertical: float = 0.03
    """Rare, since a network that is told heads up learns from it where the sacrum is."""
    p_class_contrast: float = 0.3
    """Label-driven contrast: bodies and discs are each made brighter or darker than they are."""
    class_contrast: float = 0.35
    class_contrast_in: tuple[str, ...] = ("MR", "CT")
    """Not in films: a quadrilateral is not the body's true outline, and recoloured it would teach
    to look for quadrilaterals."""
    p_remap: float = 0.3
    """A random monotone grey-value curve (another sequence or coil)."""
    p_invert: float = 0.08
    p_window: float = 0.2
    """A narrower grey window, as a viewer's or a screenshot's: what lies outside is clipped."""
    window: tuple[float, float] = (0.45, 0.95)
    """Width of that window as a share of the full range."""
    gamma: tuple[float, float] = (0.6, 1.6)
    contrast: tuple[float, float] = (0.7, 1.35)
    brightness: tuple[float, float] = (-0.12, 0.12)
    p_bias_field: float = 0.35
    bias_field: float = 0.5
    p_blur: float = 0.2
    blur_sigma: tuple[float, float] = (0.4, 1.6)
    p_low_resolution: float = 0.25
    low_resolution: tuple[float, float] = (0.3, 0.85)
    p_thick_rows: float = 0.2
    thick_rows: tuple[float, float] = (0.09, 0.4)
    """The rows of a sagittal cut through an axial stack of thick slices: so many as a share of the
    rows there are (0.09 is 6 mm at 0.55 mm a pixel), each the average of what lies within it."""
    thick_rows_in: tuple[str, ...] = ("CT",)
    p_noise: float = 0.3
    noise: tuple[float, float] = (0.005, 0.06)
    p_implant: float = 0.06
    """Rods and screws, bright (a film, CT) or dark with a bright rim (MR), drawn over bodies."""


@dataclass(frozen=True)
class TrainingConfig:
    """One training run. `sampled_regions` and the thresholds are per image, as in Mask R-CNN."""

    iterations: int = 3000
    batch_size: int = 2
    input_size: int = 448
    """Side of the square training crop in pixels."""
    fitted_side: dict[str, int] = field(default_factory=lambda: {"MR": 512, "CT": 512, "XR": 768})
    """Longer side in pixels that an image is scaled to before the augmentation, and at inference,
    by modality: a film shows more bodies than a slice."""
    learning_rate: float = 5e-4
    weight_decay: float = 0.02
    warmup: float = 0.06
    """Share of the run over which the one-cycle learning rate rises."""
    gradient_norm: float = 5.0
    average_decay: float = 0.998
    """Decay of the running average of the weights; the average is what is kept. It grows to this
    value over the first steps, and is never above 1 - 10 / iterations: the average forgets the
    start."""
    sampled_regions: int = 64
    positive_fraction: float = 0.35
    ignore_unlabelled: bool = True
    """Leave regions out of the losses where a visible instance may lack its annotation. Off only
    for the ablation that shows what it is worth."""
    unlabelled_share: float = 0.25
    """A box is left out when more than this share of it may hold an unlabelled instance."""
    score_threshold: float = 0.5
    """Written to the network's card; `spinetk crossval` says which one its precision-recall
    analysis picks."""
    set_weights: dict[str, float] = field(default_factory=dict)
    """How often each data set is drawn, by folder name; a set not named counts with 1."""
    verdict_views: int = 2
    """Views of each image that the third step, which judges outlines and tells levels, learns from;
    0 leaves it out. It takes no part in the training of the other two."""
    loose_outlines: tuple[str, ...] = ()
    """Data sets, by folder name, whose outlines are too coarse to say how good another one is."""
    seed: int = 1
    checkpoint_every: int = 200
    network: NetworkConfig = field(default_factory=NetworkConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)

    def __post_init__(self) -> None:
        for name in ("iterations", "batch_size", "input_size", "sampled_regions"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} = {getattr(self, name)}: at least 1 is needed")
        if not 0 <= self.score_threshold <= 1:
            raise UsageError(f"score_threshold = {self.score_threshold}: from 0 to 1")

    def as_dict(self) -> dict[str, Any]:
        """The whole configuration as plain JSON types."""
        return asdict(self)


def read_config(
    path: Path | None, classes: tuple[str, ...], usual: dict[str, Any] | None = None
) -> TrainingConfig:
    """The default configuration with the fields that a TOML file changes.

    Tables `[augmentation]`, `[network]` and `[set_weights]` change the fields of those.

    Args:
        usual: fields whose default differs.

    Raises:
        UsageError: not TOML, or a field is not known.
    """
    content: dict[str, Any] = {}
    named = path or "the configuration"
    if path is not None:
        try:
            content = tomllib.loads(path.read_text())
        except OSError as error:
            raise UsageError(
                f"cannot be read ({error.strerror})", path or "the configuration"
            ) from error
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"not valid TOML ({error})", named) from error
    augmentation = _changed(AugmentationConfig, path, content.pop("augmentation", {}))
    network = _changed(NetworkConfig, path, {"classes": classes} | content.pop("network", {}))
    sides = TrainingConfig().fitted_side
    for name, side in content.pop("fitted_side", {}).items():
        if name not in sides:
            reason = f"fitted_side: there is no {name}; fields are {', '.join(sides)}"
            raise UsageError(f"{reason}", path or "the configuration")
        sides[name] = side
    config = _changed(TrainingConfig, path, (usual or {}) | content)
    return dataclasses.replace(
        config, augmentation=augmentation, network=network, fitted_side=sides
    )


Config = TypeVar("Config")


def _changed(kind: type[Config], path: Path | None, fields: dict[str, Any]) -> Config:
    """A configuration with some of its fields changed."""
    known = [f.name for f in dataclasses.fields(kind)]  # type: ignore[arg-type]
    default = kind()
    for name, value in fields.items():
        if name not in known:
            raise UsageError(
                f"there is no {name}; fields are {', '.join(known)}", path or "the configuration"
            )
        usual = getattr(default, name)
        if _sort(value) != _sort(usual) and (_sort(value), _sort(usual)) != (int, float):
            shown = list(usual) if isinstance(usual, tuple) else usual
            reason = f"{name} = {value!r}: a value like {shown!r} is needed"
            raise UsageError(f"{reason}", path or "the configuration")
    return kind(**tuples(fields))


def _sort(value: Any) -> type:
    return tuple if isinstance(value, list) else type(value)


def tuples(table: dict[str, Any]) -> dict[str, Any]:
    """TOML arrays as tuples, which the frozen configuration wants."""

    def deep(value: Any) -> Any:
        return tuple(deep(v) for v in value) if isinstance(value, list) else value

    return {name: deep(value) for name, value in table.items()}
