"""Write a phantom as a DICOM series, with its truth beside it."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

from spinetk.phantom.image import Phantom

CLASSES = {"T1": MRImageStorage, "T2": MRImageStorage, "CT": CTImageStorage,
           "XR": DigitalXRayImageStorageForPresentation}  # fmt: skip


def write_phantom(phantom: Phantom, folder: Path, *, series_number: int = 1) -> list[Path]:
    """Write one file a slice into `folder/dicom/` and the labels as `folder/truth.nii.gz`.

    UIDs follow from the configuration, so the same phantom is the same study again. File names and
    instance numbers run against the slices' positions: a reader has to sort.

    Returns:
        The DICOM files, in the order of the slices.
    """
    (folder / "dicom").mkdir(parents=True, exist_ok=True)
    for older in (folder / "dicom").glob("IM*.dcm"):
        older.unlink()
    seed = f"{phantom.config!r} series {series_number}"
    study = generate_uid(entropy_srcs=[repr(phantom.config), "study"])
    series, frame = (generate_uid(entropy_srcs=[seed, part]) for part in ("series", "frame"))
    paths = []
    count = len(phantom.volume)
    for index in range(count):
        dataset = _header(phantom, index)
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
        dataset.FrameOfReferenceUID = frame
        dataset.SOPInstanceUID = generate_uid(entropy_srcs=[seed, "image", str(index)])
        dataset.SeriesNumber = str(series_number)
        dataset.InstanceNumber = str(count - index)
        _pixels(dataset, phantom, index)
        path = folder / "dicom" / f"IM{count - index:04d}.dcm"
        _file(dataset, path).save_as(path, enforce_file_format=True)
        paths.append(path)
    labels = np.transpose(phantom.labels, (2, 1, 0))
    affine = phantom.geometries[0].affine_ras
    if count > 1:
        step = np.subtract(phantom.geometries[1].origin, phantom.geometries[0].origin)
        affine[:3, 2] = np.diag([-1.0, -1.0, 1.0]) @ step
    nibabel.save(nibabel.Nifti1Image(labels, affine), folder / "truth.nii.gz")
    return paths


def _file(dataset: Dataset, path: Path) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return FileDataset(str(path), dataset, file_meta=meta, preamble=b"\0" * 128)


def _header(phantom: Phantom, index: int) -> Dataset:
    config, geometry = phantom.config, phantom.geometries[index]
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = CLASSES[config.look]
    dataset.PatientName, dataset.PatientID = "Phantom^SpineTK", "PHANTOM-1"
    dataset.PatientBirthDate, dataset.PatientSex = "", "O"
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = "20260101"
    dataset.StudyTime = dataset.SeriesTime = dataset.ContentTime = "120000"
    dataset.AccessionNumber = dataset.ReferringPhysicianName = dataset.StudyID = ""
    dataset.StudyDescription = "SpineTK phantom"
    dataset.SeriesDescription = f"analytic spine, {config.look}"
    dataset.Manufacturer = "SpineTK"
    dataset.BodyPartExamined = "LSPINE"
    dataset.PixelSpacing = [config.spacing, config.spacing]
    if config.look == "XR":
        _x_ray_header(dataset, phantom)
        return dataset
    dataset.Modality = "CT" if config.look == "CT" else "MR"
    dataset.PatientPosition = "HFS"
    dataset.PositionReferenceIndicator = ""
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL" if config.look == "CT" else "M"]
    dataset.ImageOrientationPatient = [*geometry.along_row, *geometry.along_column]
    dataset.ImagePositionPatient = [round(v, 6) for v in geometry.origin]
    dataset.SliceThickness = config.slice_distance
    dataset.SpacingBetweenSlices = config.slice_distance
    if config.look == "CT":
        dataset.KVP = "120"
        dataset.AcquisitionNumber = "1"
        del dataset.SpacingBetweenSlices
        return dataset
    dataset.ScanningSequence, dataset.SequenceVariant = "SE", "SK"
    dataset.ScanOptions, dataset.MRAcquisitionType = "", "2D"
    dataset.RepetitionTime, dataset.EchoTime = (
        ("600", "12") if config.look == "T1" else ("3500", "100")
    )
    dataset.EchoTrainLength = "1" if config.look == "T1" else "16"
    return dataset


def _x_ray_header(dataset: Dataset, phantom: Phantom) -> None:
    config = phantom.config
    dataset.Modality = "DX"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", ""]
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.ImagerPixelSpacing = [config.spacing, config.spacing]
    dataset.PixelSpacingCalibrationType = "GEOMETRY"
    dataset.PixelSpacingCalibrationDescription = "phantom"
    dataset.PatientOrientation = ["P", "F"]
    dataset.ImageLaterality = "U"
    dataset.ViewPosition = "LL"
    dataset.BurnedInAnnotation = "NO"
    dataset.LossyImageCompression = "00"
    dataset.PixelIntensityRelationship = "LOG"
    dataset.PixelIntensityRelationshipSign = -1
    dataset.PresentationLUTShape = "IDENTITY"
    dataset.DetectorType = "DIRECT"
    dataset.WindowCenter, dataset.WindowWidth = "1800", "3600"


def _pixels(dataset: Dataset, phantom: Phantom, index: int) -> None:
    """16-bit words; HU are stored with an intercept of -1024, as scanners do."""
    values = phantom.volume[index]
    if phantom.config.look == "CT":
        dataset.RescaleSlope, dataset.RescaleIntercept = "1", "-1024"
        dataset.RescaleType = "HU"
        values = values + 1024
    elif phantom.config.look == "XR":
        dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = "1", "0", "US"
    words = np.clip(np.round(values), 0, 65535).astype("<u2")
    dataset.Rows, dataset.Columns = words.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = 0
    dataset.PixelData = words.tobytes()
