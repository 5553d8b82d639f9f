"""DICOM codes of structures and measurements."""

from __future__ import annotations

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from spinetk.structures import BODY_KIND, DISC_KIND, LEVELS
from spinetk.study import Instance

CATEGORY = codes.SCT.AnatomicalStructure
"""91723000, of every segment."""
VERTEBRA = codes.SCT.Vertebra
"""51282000: a vertebra whose level is not known."""
DISC = Code("360499006", "SCT", "Intervertebral disc")
S1 = Code("65985001", "SCT", "S1 vertebra")
OWN_SCHEME = "99SPINETK"
"""Structures of a user's own network have no SNOMED code that we could know."""


def structure_code(instance: Instance) -> Code:
    """The code of an instance, as `code_of`."""
    return code_of(instance.kind, instance.level)


def code_of(kind: str, level: str | None) -> Code:
    """SNOMED CT code of a structure by its level (CID 7603, CID 7604), or of its kind where the
    level is not known, or has no code: variants (L6, T13) and the discs beside them, C1-C2."""
    if kind == BODY_KIND:
        if level == "S1":
            return S1
        return getattr(codes.SCT, f"{level}Vertebra") if level in LEVELS else VERTEBRA
    if kind == DISC_KIND:
        return getattr(codes.SCT, f"{(level or '').replace('-', '')}Disc", DISC)
    name = kind.replace("_", " ")
    return Code(kind.upper()[:16], OWN_SCHEME, name[:64])


def label_of(instance: Instance) -> str:
    """What a person reads: the level, or the kind and its order from below."""
    return instance.level or f"{instance.kind.replace('_', ' ')} {instance.order} from below"[:64]


AREA = codes.SCT.Area
HEIGHT = codes.DCM.Height
WIDTH = codes.SCT.Width
MEAN = codes.SCT.Mean
SKEWNESS = codes.DCM.Skewness
KURTOSIS = codes.DCM.Kurtosis
ENTROPY = codes.IBSI.IntensityHistogramEntropy
VERDICT = Code("VERDICT", OWN_SCHEME, "Whether the values can be used")
MEAN_OF_POSITIVE = Code("MPP", OWN_SCHEME, "Mean of positive pixels")
EARLIER_REPORT = Code("EARLIER", OWN_SCHEME, "Report of the earlier study")
ANTERIOR, POSTERIOR = codes.SCT.Anterior, codes.SCT.Posterior
MIDDLE = codes.SCT.Central
MM, MM2, NO_UNIT = codes.UCUM.Millimeter, codes.UCUM.SquareMillimeter, codes.UCUM.NoUnits
HOUNSFIELD = codes.UCUM.HounsfieldUnit
BIT = Code("bit", "UCUM", "bit")
PIXELS = Code("{pixels}", "UCUM", "pixels")
DIGITS = 10
"""Significant digits: a DICOM decimal string has 16 characters."""


def decimal(value: float) -> float:
    """A value as a DICOM decimal string can hold it."""
    return float(f"{value:.{DIGITS}g}")
