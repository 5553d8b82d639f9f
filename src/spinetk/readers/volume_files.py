"""The file formats of volumes, and one way to read any of them."""

from __future__ import annotations

from pathlib import Path

from spinetk.errors import UnreadableInput
from spinetk.readers.grids import onto_grid
from spinetk.readers.metaimage import METAIMAGE, open_metaimage
from spinetk.readers.nifti import NIFTI, open_nifti
from spinetk.readers.nrrd import NRRD, open_nrrd
from spinetk.readers.volume import sagittal_series
from spinetk.readers.volume_header import VolumeFile
from spinetk.study import Series

VOLUME_READERS = {NIFTI: open_nifti, METAIMAGE: open_metaimage, NRRD: open_nrrd}
VOLUME_SUFFIXES = tuple(suffix for reader in VOLUME_READERS for suffix in reader.suffixes)


def open_volume(path: Path) -> VolumeFile:
    """Read the header of a volume file.

    Raises:
        UnreadableInput: damaged, or of no known format.
    """
    for reader, opened in VOLUME_READERS.items():
        if reader.claims(path):
            return opened(path)
    raise UnreadableInput(f"not one of {', '.join(VOLUME_SUFFIXES)}", path.name)


def read_volume(path: Path, *, labels: bool = False) -> Series:
    """Read a volume file as a sagittal series.

    Args:
        labels: the file is a label map; otherwise one is refused, since it is no image.

    Raises:
        UnreadableInput: damaged, 4D, without finite values, or not usable in the sagittal plane.
    """
    return sagittal_series(open_volume(path), labels=labels)


def read_labels(path: Path, image: Path) -> Series:
    """Read a label map on the grid of its image, whatever axes it is stored with.

    Raises:
        UnreadableInput: either is damaged or not usable, or the labels lie elsewhere.
    """
    return sagittal_series(onto_grid(open_volume(path), open_volume(image)), labels=True)


def label_names(path: Path) -> dict[int, str]:
    """What the values of a label map mean, where its header says it; empty otherwise.

    Raises:
        UnreadableInput: damaged, or of no known format.
    """
    return open_volume(path).names
