"""PyRadiomics' features of each instance, by the user's parameter file (extra `radiomics`)."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinetk.errors import SpineError, UsageError
from spinetk.measures.table import Row
from spinetk.structures import label_numbers
from spinetk.study import Segmentation

ABOUT = "diagnostics_"
"""How the names begin of what is no feature."""
UNITLESS = ("Skewness", "Kurtosis", "Entropy", "Uniformity")
"""First-order features that do not bear the values' unit."""
INSIDE = 1
"""Label of the mask that is handed over."""


def extractor(parameters: Path) -> Any:
    """PyRadiomics' extractor for a parameter file.

    Raises:
        UsageError: PyRadiomics is not installed, or takes no such file.
    """
    try:
        import radiomics
        from radiomics.featureextractor import RadiomicsFeatureExtractor
    except ImportError as error:
        how = "pip install numpy, then pip install --no-build-isolation 'spinetk[radiomics]'"
        raise UsageError(f"needs PyRadiomics: {how}", "--pyradiomics") from error
    radiomics.setVerbosity(logging.CRITICAL)
    logging.getLogger("pykwalify").setLevel(logging.CRITICAL)
    if not parameters.is_file():
        raise UsageError("there is no such file", parameters)
    try:
        return RadiomicsFeatureExtractor(str(parameters))
    except Exception as error:  # of the YAML reader, the schema and the settings
        why = str(error).strip().splitlines()[0][:120]
        raise UsageError(f"is no parameter file of PyRadiomics ({why})", parameters) from error


def full_radiomics(result: Segmentation, extract: Any) -> list[Row]:
    """A row for each instance: `label`, `kind`, `level`, `order`, and every feature under the name
    that PyRadiomics gives it; `failed` says why there are none.

    Where the spacing is not known there are no features of shape; of a CT whose values are no
    Hounsfield units there are none that bear the values' unit.

    Args:
        extract: as `extractor` gives it.

    Raises:
        SpineError: it resamples, and the spacing is not known.
    """
    spacing = result.slice.spacing
    if spacing is None and extract.settings.get("resampledPixelSpacing"):
        text = "the parameter file resamples, and the spacing is not known: name it with --spacing"
        raise SpineError(text, result.series.key)
    pixels = _image(result, result.slice.pixels.astype(np.float64))
    rows: list[Row] = []
    names: dict[str, None] = {}
    labels = label_numbers(result.instances)
    for label, instance in zip(labels, result.instances, strict=True):
        row: Row = {
            "label": label,
            "kind": instance.kind,
            "level": instance.level,
            "order": instance.order,
            "failed": None,
        }
        try:
            mask = _image(result, instance.mask.astype(np.uint8))
            found = extract.execute(pixels, mask, label=INSIDE)
            values = {str(k): float(v) for k, v in found.items() if not k.startswith(ABOUT)}
        except Exception as error:  # a mask that is too small, an image without variation
            row["failed"] = str(error).strip().splitlines()[0][:120] or type(error).__name__
            values = {}
        for name, value in values.items():
            without = (spacing is None and "_shape" in name) or (
                result.series.in_grey_values and _bears_unit(name)
            )
            row[name] = None if without else value
            names[name] = None
        rows.append(row)
    return [row | {name: row.get(name) for name in names} for row in rows]


def _image(result: Segmentation, values: NDArray[Any]) -> Any:
    """An image of SimpleITK of one slice, with its spacing; of pixels without one, of 1 each."""
    import SimpleITK

    made = SimpleITK.GetImageFromArray(values[None])
    row, column = result.slice.spacing or (1.0, 1.0)
    geometry = result.slice.geometry
    made.SetSpacing((column, row, geometry.thickness if geometry else 1.0))
    return made


def _bears_unit(name: str) -> bool:
    return "_firstorder_" in name and name.rpartition("_")[2] not in UNITLESS
