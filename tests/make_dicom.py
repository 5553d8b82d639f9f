"""Make DICOM files of the kinds that scanners send, from a phantom's volume."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import (
    CTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    generate_uid,
)

from spinetk.phantom import Phantom
from spinetk.study import Vector


def axial(phantom: Phantom) -> tuple[NDArray[np.float32], tuple[Vector, Vector], list[Vector]]:
    """Images [z, y, x] from head to foot, their directions and positions."""
    first = phantom.geometries[0]
    images = np.transpose(phantom.volume, (1, 2, 0))
    x, y, z = first.origin
    places = [(x, y, z - first.spacing[0] * k) for k in range(len(images))]
    return images, ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)), places


def coronal(phantom: Phantom) -> tuple[NDArray[np.float32], tuple[Vector, Vector], list[Vector]]:
    """Images [y, z, x] from front to back, their directions and positions."""
    first = phantom.geometries[0]
    images = np.transpose(phantom.volume, (2, 1, 0))
    x, y, z = first.origin
    places = [(x, y + first.spacing[1] * k, z) for k in range(len(images))]
    return images, ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0)), places


def write_classic(
    folder: Path,
    images: NDArray[np.float32],
    directions: tuple[Vector, Vector],
    places: Sequence[Vector],
    spacing: tuple[float, float],
    **changes: object,
) -> list[Path]:
    """One file an image; `changes` are attributes by keyword."""
    folder.mkdir(parents=True, exist_ok=True)
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    paths = []
    for number, (image, place) in enumerate(zip(images, places, strict=True), start=1):
        dataset = common(study, series, frame)
        dataset.Modality = "CT"
        dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, generate_uid()
        dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        dataset.KVP, dataset.AcquisitionNumber, dataset.InstanceNumber = "120", "1", str(number)
        dataset.ImageOrientationPatient = [*directions[0], *directions[1]]
        dataset.ImagePositionPatient = [round(float(v), 6) for v in place]
        dataset.PixelSpacing = list(spacing)
        dataset.SliceThickness = "1"
        dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = "1", "-1024", "HU"
        put_pixels(dataset, (image + 1024)[None])
        for name, value in changes.items():
            setattr(dataset, name, value)
        paths.append(save(dataset, folder / f"{number:05d}"))
    return paths


def write_enhanced_mr(folder: Path, phantom: Phantom, *, echoes: int = 1) -> Path:
    """One multi-frame file of sagittal images, in an order that is not that of their places."""
    folder.mkdir(parents=True, exist_ok=True)
    dataset = common(generate_uid(), generate_uid(), generate_uid())
    dataset.Modality = "MR"
    dataset.SOPClassUID, dataset.SOPInstanceUID = EnhancedMRImageStorage, generate_uid()
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "ANATOMICAL", "NONE"]
    dataset.InstanceNumber = "1"
    first = phantom.geometries[0]
    shared = Dataset()
    measures, orientation = Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = list(first.spacing), first.thickness
    orientation.ImageOrientationPatient = [*first.along_row, *first.along_column]
    shared.PixelMeasuresSequence = Items([measures])
    shared.PlaneOrientationSequence = Items([orientation])
    dataset.SharedFunctionalGroupsSequence = Items([shared])
    order = [i for start in (0, 1) for i in range(start, len(phantom.volume), 2)]
    frames, groups = [], []
    for echo in range(echoes):
        for index in order:
            frames.append(phantom.volume[index] + 100 * echo)
            position, rescale, time = Dataset(), Dataset(), Dataset()
            position.ImagePositionPatient = [round(v, 4) for v in phantom.geometries[index].origin]
            rescale.RescaleSlope, rescale.RescaleIntercept = "0.5", "-100"
            time.EffectiveEchoTime = 10.0 * (echo + 1)
            group = Dataset()
            group.PlanePositionSequence = Items([position])
            group.PixelValueTransformationSequence = Items([rescale])
            group.MREchoSequence = Items([time])
            groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = Items(groups)
    dataset.NumberOfFrames = len(frames)
    put_pixels(dataset, (np.stack(frames) + 100) * 2)
    return save(dataset, folder / "enhanced")


def common(study: str, series: str, frame: str) -> Dataset:
    """Patient and study of every file."""
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName, dataset.PatientID = "Phantom^SpineTK", "PHANTOM-1"
    dataset.PatientBirthDate, dataset.PatientSex = "", "O"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
    dataset.FrameOfReferenceUID, dataset.PositionReferenceIndicator = frame, ""
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = "20260101"
    dataset.StudyTime = dataset.SeriesTime = dataset.ContentTime = "120000"
    dataset.AccessionNumber = dataset.ReferringPhysicianName = dataset.StudyID = ""
    dataset.Manufacturer, dataset.PatientPosition, dataset.SeriesNumber = "SpineTK", "HFS", "5"
    return dataset


def put_pixels(dataset: Dataset, frames: NDArray[np.float32]) -> None:
    """16-bit words of [frames, rows, columns]."""
    words = np.clip(np.round(frames), 0, 65535).astype("<u2")
    dataset.Rows, dataset.Columns = words.shape[1:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = 0
    dataset.PixelData = words.tobytes()


def save(dataset: Dataset, path: Path) -> Path:
    """Write with file meta information, little endian explicit."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    FileDataset(str(path), dataset, file_meta=meta, preamble=b"\0" * 128).save_as(
        path, enforce_file_format=True
    )
    return path
