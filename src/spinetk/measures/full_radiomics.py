"""PyRadiomics' features of each instance, by the user's parameter file (extra `radiomics`)."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np

from spinetk.errors import UsageError
from spinetk.measures.table import Row
from spinetk.structures import label_numbers
from spinetk.study import Segmentation

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

    Args:
        extract: as `extractor` gives it.
    """
    import SimpleITK

    spacing = result.slice.spacing or (1.0, 1.0)

    def image(values: Any) -> Any:
        made = SimpleITK.GetImageFromArray(values[None])
        made.SetSpacing((spacing[1], spacing[0], 1.0))
        return made

    pixels = image(result.slice.pixels.astype(np.float64))
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
            found = extract.execute(pixels, image(instance.mask.astype(np.uint8)), label=INSIDE)
        except Exception as error:  # a mask that is too small, an image without variation
            row["failed"] = str(error).strip().splitlines()[0][:120] or type(error).__name__
            found = {}
        for name, value in found.items():
            if not name.startswith("diagnostics_"):
                row[name] = float(value)
                names[name] = None
        rows.append(row)
    return [row | {name: row.get(name) for name in names} for row in rows]
