"""Decode stored images to raw values: HU, MR signal, modality-LUT values of films."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, get_decoder, iter_pixels
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from spinetk.errors import UnreadableInput, Unsuitable
from spinetk.readers.bounds import check_bytes, check_file
from spinetk.readers.decoder_process import decoded_apart
from spinetk.readers.dicom_headers import Header, floats, integer
from spinetk.readers.header_checks import check_size, short

RARE = (JPEGExtended12Bit,)
"""Transfer syntaxes that the base install cannot decode in full."""

APART = frozenset(
    (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1, JPEGLSLossless,
     JPEGLSNearLossless, JPEG2000, JPEG2000Lossless, HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K,
     RLELossless)
)  # fmt: skip
"""Transfer syntaxes of compressed pixels."""
WORD = 2
"""Bytes of a stored value, of which images have one or two."""

Decoded = NDArray[np.float32] | UnreadableInput


def decode(headers: Sequence[Header]) -> Iterator[tuple[Header, Decoded]]:
    """Raw values, float32 [H, W], of each image, or why it cannot be decoded; each file is opened
    once for all its neighbouring frames, and one frame is in memory at a time."""
    for path, group in groupby(headers, key=lambda header: header.frame.path):
        together = list(group)
        if together[0].frame.number is None:
            for header in together:
                yield header, _single(header)
            continue
        done = 0
        try:
            numbers = [int(header.frame.number or 1) - 1 for header in together]
            _check(together[0])
            whole = pydicom.dcmread(path, stop_before_pixels=True, force=True)
            for header, stored in zip(together, _frames(whole, path, numbers), strict=True):
                slope, intercept = header.rescale
                values = _gray(stored).astype(np.float32) * slope + intercept
                yield header, without_padding(values, stored, whole)
                done += 1
        except Exception as error:  # decoders raise many kinds for damaged pixel data
            reason = _reason(error, together[0])
            for header in together[done:]:
                yield header, reason


def decode_file(header: Header) -> tuple[NDArray[np.float32], Dataset]:
    """Raw values of a file of one image, and its whole header.

    Raises:
        UnreadableInput: it cannot be decoded.
    """
    path = header.frame.path
    try:
        _check(header)
        check_file(path)
        dataset = pydicom.dcmread(path, force=True)
        if "TransferSyntaxUID" not in dataset.file_meta:  # a file from before PS3.10
            implicit = dataset.original_encoding[0]
            dataset.file_meta.TransferSyntaxUID = (
                ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
            )
        if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
            raise Unsuitable("colour pixels; gray ones are needed")
        apart = dataset.file_meta.TransferSyntaxUID in APART
        stored = _gray(next(decoded_apart(path)) if apart else dataset.pixel_array)
        if stored.shape != header.shape:
            raise UnreadableInput("its compressed pixels are not as many as its header says")
        values = without_padding(
            apply_modality_lut(stored, _with_rescale(dataset)), stored, dataset
        )
    except Exception as error:  # decoders raise many kinds for damaged pixel data
        raise _reason(error, header) from error
    return np.asarray(values, dtype=np.float32), dataset


def decode_run(headers: Sequence[Header]) -> Iterator[tuple[Header, NDArray[np.float32], Dataset]]:
    """Raw values of frames of one multi-frame film, one in memory at a time, and its header.

    Raises:
        UnreadableInput: a frame cannot be decoded.
    """
    path = headers[0].frame.path
    try:
        _check(headers[0])
        dataset = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        numbers = [int(header.frame.number or 1) - 1 for header in headers]
        _with_rescale(dataset)
        for header, stored in zip(headers, _frames(dataset, path, numbers), strict=True):
            values = apply_modality_lut(_gray(stored), dataset)
            yield header, without_padding(values, stored, dataset), dataset
    except Exception as error:  # decoders raise many kinds for damaged pixel data
        raise _reason(error, headers[0]) from error


def _frames(dataset: Dataset, path: Path, numbers: Sequence[int]) -> Iterator[NDArray[Any]]:
    """Frames of a file, one in memory at a time."""
    if dataset.file_meta.get("TransferSyntaxUID") in APART:
        return decoded_apart(path, numbers)
    return iter(iter_pixels(path, indices=numbers))


def _check(header: Header) -> None:
    """See that an image's size is one of a picture, and not too large to decode.

    Raises:
        UnreadableInput: it is not.
    """
    name, (rows, columns) = header.frame.path.name, header.shape
    check_size(name, rows, columns)
    check_bytes(name, rows * columns, WORD)


def without_padding(
    values: NDArray[Any], stored: NDArray[Any], dataset: Dataset
) -> NDArray[np.float32]:
    """Values with those of pixels that are padding (around a turned or stitched image) set to the
    darkest that there is.

    Args:
        values: [H, W], after the modality LUT.
        stored: [H, W], as the file has them.

    Source: DICOM PS3.3 C.7.5.1.1.2 (Pixel Padding Value, Pixel Padding Range Limit).
    """
    out = np.asarray(values, dtype=np.float32)
    limits = [_padding(dataset, name) for name in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    if limits[0] is None:
        return out
    low, high = sorted((limits[0], limits[0] if limits[1] is None else limits[1]))
    pad = (stored >= low) & (stored <= high)
    if not pad.any() or pad.all():
        return out
    rest = out[~pad]
    dark = rest.max() if dataset.get("PhotometricInterpretation") == "MONOCHROME1" else rest.min()
    return np.where(pad, dark, out)


def _padding(dataset: Dataset, name: str) -> int | None:
    """A padding value as pixels have it: writers mistake its sign."""
    value = integer(dataset.get(name))
    if value is None:
        return None
    bits = integer(dataset.get("BitsAllocated")) or 16
    if integer(dataset.get("PixelRepresentation")) == 1 and value >= 2 ** (bits - 1):
        return value - int(2**bits)
    if integer(dataset.get("PixelRepresentation")) == 0 and value < 0:
        return value + int(2**bits)
    return value


def _with_rescale(dataset: Dataset) -> Dataset:
    """The dataset with its slope and intercept as numbers, or without them where one is none."""
    both = {name: floats(dataset, name, 1) for name in ("RescaleSlope", "RescaleIntercept")}
    for name, value in both.items():
        if any(v is None for v in both.values()):
            if name in dataset:
                del dataset[name]
        elif value is not None:
            setattr(dataset, name, float(value[0]))
    return dataset


def _single(header: Header) -> Decoded:
    try:
        return decode_file(header)[0]
    except UnreadableInput as error:
        return error


def _gray(stored: NDArray[np.generic]) -> NDArray[np.generic]:
    if stored.ndim != 2:
        raise Unsuitable("colour pixels; gray ones are needed")
    return stored


def _reason(error: Exception, header: Header) -> UnreadableInput:
    """Why pixels cannot be had, in one line; a missing decoder is named with its extra."""
    path = header.frame.path
    if isinstance(error, UnreadableInput):
        return type(error)(error.about(path.name))
    name = _without_decoder(path)
    if name is not None:
        return UnreadableInput(
            f"is compressed as {name}; no decoder that is installed can read it: "
            "pip install '.[codecs]' in SpineTK's folder"
        )
    return UnreadableInput(f"its pixels cannot be decoded ({short(error, path)})")


def _without_decoder(path: Path) -> str | None:
    """Name of the file's transfer syntax where a decoder for it is missing."""
    try:
        syntax = pydicom.dcmread(path, specific_tags=[]).file_meta.TransferSyntaxUID
        missing = get_decoder(syntax).missing_dependencies
    except Exception:  # not even that can be told
        return None
    return str(syntax.name) if missing and syntax in RARE else None
