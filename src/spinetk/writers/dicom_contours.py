"""DICOM RT structure set: each instance's outline as closed planar contours in the patient."""

from __future__ import annotations

import time

import cv2
import highdicom
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage

import spinetk
from spinetk.errors import SpineError
from spinetk.network.registry import Model
from spinetk.study import Frame, Geometry, Instance, Segmentation
from spinetk.writers.dicom_codes import label_of
from spinetk.writers.dicom_source import CONTOUR_NUMBER, MANUFACTURER, OnImages, model_name
from spinetk.writers.overlay import colour_of

FINER = 3
"""Outlines run a third of a pixel outside the centres of a mask's outer pixels: whoever fills them
by pixel centres gets the mask again."""
PASSED_ON = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate",
    "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName", "StudyDescription",
    "SpecificCharacterSet",
)  # fmt: skip


def structure_set(result: Segmentation, model: Model, placed: OnImages) -> FileDataset:
    """Outlines in LPS mm in the frame of reference of the source.

    Raises:
        SpineError: the source has no geometry (a film).

    Source: DICOM PS3.3 A.19, C.8.8.5 and C.8.8.6.
    """
    stored, header = result.slice, placed.headers[0]
    if stored.geometry is None:
        raise SpineError("a film has no place in the patient: no structure set")
    dataset = _module(header, model)
    reference = Dataset()
    reference.FrameOfReferenceUID = header.FrameOfReferenceUID
    reference.RTReferencedStudySequence = Items([_referenced_study(placed)])
    dataset.ReferencedFrameOfReferenceSequence = Items([reference])
    structures, contours, observations = [], [], []
    for number, instance in enumerate(result.instances, start=1):
        roi, contour, observation = Dataset(), Dataset(), Dataset()
        roi.ROINumber = contour.ReferencedROINumber = observation.ReferencedROINumber = number
        roi.ReferencedFrameOfReferenceUID = header.FrameOfReferenceUID
        roi.ROIName, roi.ROIGenerationAlgorithm = label_of(instance), "AUTOMATIC"
        contour.ROIDisplayColor = list(colour_of(instance))
        contour.ContourSequence = Items(_contours(instance, stored.geometry, stored.origin, header))
        observation.ObservationNumber = number
        observation.RTROIInterpretedType, observation.ROIInterpreter = "ORGAN", ""
        structures.append(roi)
        contours.append(contour)
        observations.append(observation)
    dataset.StructureSetROISequence = Items(structures)
    dataset.ROIContourSequence = Items(contours)
    dataset.RTROIObservationsSequence = Items(observations)
    return dataset


def outlines(mask: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Closed polygons [N, 2] of (column, row) around a mask's parts, in which pixel centres lie at
    whole numbers."""
    fine = np.kron(mask.astype(np.uint8), np.ones((FINER, FINER), dtype=np.uint8))
    found, _ = cv2.findContours(fine, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [(contour[:, 0].astype(np.float64) - (FINER - 1) / 2) / FINER for contour in found]


def _contours(
    instance: Instance, geometry: Geometry, origin: object, header: Dataset
) -> list[Dataset]:
    out = []
    for polygon in outlines(instance.mask):
        flat = np.column_stack([polygon, np.zeros(len(polygon)), np.ones(len(polygon))])
        points = (flat @ geometry.affine.T)[:, :3]
        contour = Dataset()
        contour.ContourGeometricType = "CLOSED_PLANAR"
        contour.NumberOfContourPoints = len(points)
        contour.ContourData = [f"{value:.4f}" for value in points.ravel()]
        if isinstance(origin, Frame):  # a cut lies across its images
            contour.ContourImageSequence = Items([_image(header, origin)])
        out.append(contour)
    return out


def _image(header: Dataset, frame: Frame) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = header.SOPClassUID, frame.uid
    if frame.number is not None:
        item.ReferencedFrameNumber = str(frame.number)
    return item


def _referenced_study(placed: OnImages) -> Dataset:
    series, study = Dataset(), Dataset()
    header = placed.headers[0]
    series.SeriesInstanceUID = header.SeriesInstanceUID
    series.ContourImageSequence = Items([_image(header, frame) for frame in placed.frames])
    study.ReferencedSOPClassUID = "1.2.840.10008.3.1.2.3.1"  # PS3.3 C.8.8.5: retired, still wanted
    study.ReferencedSOPInstanceUID = header.StudyInstanceUID
    study.RTReferencedSeriesSequence = Items([series])
    return study


def _module(header: Dataset, model: Model) -> FileDataset:
    """Patient, study, equipment and the structure set's own name."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = RTStructureSetStorage
    meta.MediaStorageSOPInstanceUID = highdicom.UID()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    for name in PASSED_ON:
        if name in header:
            setattr(dataset, name, getattr(header, name))
    dataset.SOPClassUID = RTStructureSetStorage
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.Modality, dataset.SeriesInstanceUID = "RTSTRUCT", highdicom.UID()
    dataset.SeriesNumber, dataset.InstanceNumber = str(CONTOUR_NUMBER), "1"
    dataset.SeriesDescription = "SpineTK contours, research only"
    dataset.OperatorsName = ""
    dataset.Manufacturer, dataset.SoftwareVersions = MANUFACTURER, spinetk.__version__
    dataset.ManufacturerModelName = model_name(model)
    dataset.StructureSetLabel = "SPINE"
    dataset.StructureSetDate = dataset.InstanceCreationDate = time.strftime("%Y%m%d")
    dataset.StructureSetTime = dataset.InstanceCreationTime = time.strftime("%H%M%S")
    dataset.ApprovalStatus = "UNAPPROVED"
    dataset.FrameOfReferenceUID = header.get("FrameOfReferenceUID", highdicom.UID())
    dataset.PositionReferenceIndicator = header.get("PositionReferenceIndicator", "")
    return dataset
