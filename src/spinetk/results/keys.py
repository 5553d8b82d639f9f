"""The keys of results: the names of their folders.

    <series>[-slice-<NNN>][-corrected-<N>]

The series' own key is given by the readers; where several are alike they get -2, -3, ... The
grammar is only read where the record says that a slice was asked for, or that a person corrected
the result: a file may be called `a-slice-003.png`.
"""

from __future__ import annotations

import glob
import hashlib
import re

DICOM_KEY = r"([0-9a-f]{8})-(?:\d+|whole)(?:-\d+)?"
NAMES_BESIDE = re.compile(
    r"(summary|failures|sources|completed|reviews)(-\d+-of-\d+)?\.csv"
    r"|measurements\.(csv|parquet)|codebook\.csv|cohort\.html",
    re.IGNORECASE,  # on some disks these are the same
)
"""Files in the folder of results."""
RESULT_OF_DICOM = rf"^{DICOM_KEY}(?:-slice-\d+)?(?:-corrected-\d+)?$"
"""Its group is what all results of a study have in common."""


def dicom_key(study_uid: str, series_number: int) -> str:
    """The key of a DICOM series: it tells studies apart and no name or number of the patient.

    >>> dicom_key("1.2.3", 5)
    'c47f5b18-5'
    """
    return f"{hashlib.sha256(study_uid.encode()).hexdigest()[:8]}-{series_number}"


def whole_key(station: str) -> str:
    """The key of what the stations of a study make together, from that of one of them.

    >>> whole_key("1a2b3c4d-5")
    '1a2b3c4d-whole'
    """
    return f"{station.split('-')[0]}-whole"


def study_part(key: str) -> str | None:
    """What the keys of all results of a DICOM study begin with; None for other sources.

    >>> study_part("1a2b3c4d-5-slice-007-corrected-1"), study_part("scan")
    ('1a2b3c4d', None)
    >>> study_part("1a2b3c4d-whole-2")
    '1a2b3c4d'
    """
    found = re.match(RESULT_OF_DICOM, key)
    return found[1] if found else None


def numbered_key(key: str, count: int) -> str:
    """The key of the `count`th series of the same key, from 1.

    >>> numbered_key("t2", 1), numbered_key("t2", 3)
    ('t2', 't2-3')
    """
    return key if count == 1 else f"{key}-{count}"


def slice_key(series: str, index: int) -> str:
    """The key of the result of a slice that was asked for.

    >>> slice_key("1a2b3c4d-5", 7)
    '1a2b3c4d-5-slice-007'
    """
    return f"{series}-slice-{index:03d}"


def volume_key(series: str) -> str:
    """The folder of what all slices of a series make together.

    >>> volume_key("1a2b3c4d-5")
    '1a2b3c4d-5-3d'
    """
    return f"{series}-3d"


def slice_keys_pattern(series: str) -> re.Pattern[str]:
    """Matches the keys that `slice_key` gives for a series."""
    return re.compile(rf"{re.escape(series)}-slice-\d{{3,}}")


def slice_keys_glob(series: str) -> str:
    """Finds folders with such keys, and few others.

    >>> slice_keys_glob("t2")
    't2-slice-*'
    """
    return f"{glob.escape(series)}-slice-*"


def version_key(original: str, number: int) -> str:
    """The key of a corrected version.

    >>> version_key("1a2b3c4d-5", 2)
    '1a2b3c4d-5-corrected-2'
    """
    return f"{original}-corrected-{number}"


def looks_corrected(key: str) -> bool:
    """Whether a key may be that of a corrected version; its record knows.

    >>> looks_corrected("t2-corrected-2"), looks_corrected("t2")
    (True, False)
    """
    return re.search(r"-corrected-\d+$", key) is not None


def original_key(key: str, *, corrected: bool) -> str:
    """The key of the result that a version comes from; of what is no version, its own.

    >>> original_key("t2-corrected-1", corrected=True)
    't2'
    """
    return re.sub(r"-corrected-\d+$", "", key) if corrected else key


def version_number(key: str) -> int:
    """The number of a corrected version.

    >>> version_number("t2-corrected-12")
    12
    """
    return int(key.rpartition("-")[2])


def series_key(key: str, *, corrected: bool, slice_index: int | None) -> str:
    """The key of the series that a result belongs to.

    Args:
        slice_index: of the slice that was asked for, None where one was selected.

    >>> series_key("t2-slice-007-corrected-1", corrected=True, slice_index=7)
    't2'
    >>> series_key("a-slice-003", corrected=False, slice_index=None)
    'a-slice-003'
    """
    original = original_key(key, corrected=corrected)
    return original if slice_index is None else original.removesuffix(slice_key("", slice_index))


def in_order(key: str) -> list[tuple[str, int]]:
    """To sort keys by: numbers in them as numbers.

    >>> sorted(["p10", "p2"], key=in_order)
    ['p2', 'p10']
    """
    return [(text, int(digits or -1)) for text, digits in re.findall(r"([^0-9]*)([0-9]*)", key)]
