"""Read NIfTI, MHA and NRRD volumes as stacks of sagittal slices.

NIfTI goes through nibabel, NRRD through pynrrd, MHA through our own reader. Slices are cut along
the axis that is nearest to left-right and laid out head up, anterior left; nothing is resampled.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from spinetk.errors import UnreadableInput, Unsuitable
from spinetk.readers import metaimage, nrrd
from spinetk.readers.header_checks import (
    check_size,
    file_stem,
    finite,
    short,
    too_coarse,
    usable_spacing,
)
from spinetk.study import LPS_TO_RAS, Geometry, Modality, Series, Slice, vector
from spinetk.warning import Warning

VOLUME_SUFFIXES = (".nii", ".nii.gz", ".mha", ".mhd", ".nrrd")
AIR_HU, FAT_HU, BONE_HU = -500.0, -60.0, 150.0


def values_file(path: Path) -> Path:
    """The file with a volume's values: its own, or one beside its header.

    Raises:
        UnreadableInput: the header is damaged, or there is no such file beside it.
    """
    if path.suffix.lower() == ".nrrd":
        return nrrd.values_file(path)
    return metaimage.values_file(path) if path.suffix.lower() in (".mha", ".mhd") else path


def read_volume(path: Path, *, labels: bool = False) -> Series:
    """Read a 3D volume (or a single slice) as a sagittal series.

    Args:
        path: NIfTI, MHA, MHD or NRRD.
        labels: the file is a label map; otherwise one is refused, since it is no image.

    The modality is CT where the values look like Hounsfield units, else it is left open.

    Raises:
        UnreadableInput: damaged, 4D, without finite values, or not usable in the sagittal plane.
    """
    nifti = path.name.lower().endswith((".nii", ".nii.gz"))
    warnings: list[Warning] = []
    if nifti:
        array, affine = _load_nifti(path, warnings)
    elif path.suffix.lower() == ".nrrd":
        array, affine = nrrd.load_nrrd(path)
    else:
        array, affine = metaimage.load_metaimage(path)
    if array.ndim != 3:
        raise Unsuitable(f"has {array.ndim} dimensions; a 3D volume is needed", path.name)
    array = finite(path.name, array, warnings)
    if not labels and _is_label_map(array):
        raise Unsuitable("looks like a label map, not an image (few whole numbers)", path.name)
    slices = _sagittal_slices(path, array, affine)
    modality: Modality | None = "CT" if _looks_like_hounsfield(array) else None
    return Series(
        key=file_stem(path),
        modality=modality,
        source="volume",
        slices=slices,
        spacing_source="affine",
        warnings=tuple(warnings),
    )


def _looks_like_hounsfield(array: NDArray[np.float32]) -> bool:
    """Whether values reach down to air, or, in a crop inside the patient, are whole numbers from
    fat (about -100 HU) to bone. MR signal has no negative values to speak of."""
    low, high = np.percentile(array, (1, 99))
    if low < AIR_HU:
        return True
    return bool(low < FAT_HU and high > BONE_HU and (array == np.round(array)).all())


def _is_label_map(array: NDArray[np.float32]) -> bool:
    """Whether the volume holds at most 48 different values, all of them small whole numbers, most
    of them 0: no image does, label maps of spines do."""
    sample = array[array != 0]
    if sample.size > 0.5 * array.size or sample.size == 0:
        return False
    values = np.unique(sample)
    return bool(values.size <= 48 and (values == np.round(values)).all() and values.max() < 1000)


TO_MM = {1: 1000.0, 3: 0.001}
"""Of NIfTI's codes for metres and micrometres; millimetres, and what is not said, stay as they are.
nibabel's own reading of the field stops at codes that do not exist."""


def _load_nifti(
    path: Path, warnings: list[Warning]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Array [x, y, z] and its map to LPS mm, 4 x 4."""
    try:
        image = nibabel.load(path)
        data = np.asarray(image.dataobj)  # type: ignore[attr-defined]
        affine = np.asarray(image.affine, dtype=np.float64)  # type: ignore[attr-defined]
    except Exception as error:  # nibabel, zlib and struct raise many kinds for damaged files
        raise UnreadableInput(f"damaged or not NIfTI ({short(error, path)})", path.name) from error
    if data.dtype.names is not None or np.iscomplexobj(data):
        raise UnreadableInput("colour or complex values; gray values are needed", path.name)
    while data.ndim > 3 and data.shape[-1] == 1:
        data = data[..., 0]
    if data.ndim == 2:
        data = data[..., None]
    header: Any = image.header
    factor = TO_MM.get(int(header["xyzt_units"]) & 7, 1.0)
    affine = np.diag([factor, factor, factor, 1.0]) @ affine
    if header["sform_code"] == header["qform_code"] == 0:
        warnings.append(
            Warning(
                "orientation-assumed",
                "the file does not say how it lies: taken to run along R, A and S",
            )
        )
    return data.astype(np.float32), LPS_TO_RAS @ affine


def _sagittal_slices(
    path: Path, array: NDArray[np.float32], affine: NDArray[np.float64]
) -> tuple[Slice, ...]:
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if not np.isfinite(affine).all() or not usable_spacing(spacing):
        raise UnreadableInput(
            "its geometry is not usable (spacing zero, missing or absurd)", path.name
        )
    directions = affine[:3, :3] / spacing
    axis = _slice_axis(array.shape, directions)
    rest = [i for i in range(3) if i != axis]
    # of the two in-plane axes, the one nearest to head-foot becomes the rows
    row_axis = max(rest, key=lambda i: abs(directions[2, i]))
    column_axis = next(i for i in rest if i != row_axis)
    _check_plane(path.name, directions, spacing, axis, row_axis, column_axis)
    check_size(path.name, array.shape[row_axis], array.shape[column_axis])
    volume = np.transpose(array, (axis, row_axis, column_axis))
    affine = affine.copy()
    if directions[2, row_axis] > 0:  # rows run from head to foot
        volume = volume[:, ::-1]
        affine = _flipped(affine, row_axis, array.shape[row_axis])
    if directions[1, column_axis] < 0:  # columns run from anterior to posterior
        volume = volume[:, :, ::-1]
        affine = _flipped(affine, column_axis, array.shape[column_axis])
    slices = []
    for index in range(volume.shape[0]):
        origin = affine[:3, 3] + index * affine[:3, axis]
        geometry = Geometry(
            origin=vector(origin),
            along_row=vector(affine[:3, column_axis] / spacing[column_axis]),
            along_column=vector(affine[:3, row_axis] / spacing[row_axis]),
            spacing=(float(spacing[row_axis]), float(spacing[column_axis])),
            thickness=float(spacing[axis]),
        )
        pixels = np.ascontiguousarray(volume[index])
        slices.append(Slice(pixels, index, geometry, geometry.spacing, path))
    return tuple(slices)


def _slice_axis(shape: tuple[int, ...], directions: NDArray[np.float64]) -> int:
    """The axis to cut along: the only thin one of a single slice, else that nearest left-right."""
    thin = [i for i in range(3) if shape[i] == 1]
    return thin[0] if len(thin) == 1 else int(np.argmax(np.abs(directions[0])))


def _check_plane(
    name: str,
    directions: NDArray[np.float64],
    spacing: NDArray[np.float64],
    axis: int,
    row_axis: int,
    column_axis: int,
) -> None:
    planes = ("sagittal", "coronal", "axial")
    nearest = int(np.argmax(np.abs(directions[:, axis])))
    if nearest != 0:
        raise Unsuitable(f"a single {planes[nearest]} slice; a sagittal one is needed", name)
    inside = spacing[[row_axis, column_axis]]
    if too_coarse(*inside):
        raise Unsuitable(
            f"its sagittal plane is too coarse ({inside[0]:.2g} x {inside[1]:.2g} mm); "
            "it seems to be an axial or coronal series",
            name,
        )


def _flipped(affine: NDArray[np.float64], axis: int, count: int) -> NDArray[np.float64]:
    out = affine.copy()
    out[:3, 3] += affine[:3, axis] * (count - 1)
    out[:3, axis] *= -1
    return out
