"""DICOM Segmentation: one segment an instance, on the images that it was found on."""

from __future__ import annotations

from copy import copy

import highdicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian

from spinetk.network.registry import Model
from spinetk.study import Segmentation
from spinetk.writers.dicom_codes import CATEGORY, label_of, structure_code
from spinetk.writers.dicom_source import (
    SEG_NUMBER,
    OnImages,
    algorithm,
    model_name,
    new_series,
    person_name,
)
from spinetk.writers.overlay import colour_of


def segmentation(
    result: Segmentation, model: Model, placed: OnImages
) -> highdicom.seg.Segmentation:
    """A binary SEG that refers to the frames on which something lies, and no others.

    Source: DICOM PS3.3 A.51 (Segmentation IOD), C.8.20.
    """
    made_by = algorithm(model)
    kinds = highdicom.seg.SegmentAlgorithmTypeValues
    how = kinds.SEMIAUTOMATIC if result.correction else kinds.AUTOMATIC
    descriptions = [
        highdicom.seg.SegmentDescription(
            segment_number=number,
            segment_label=label_of(instance),
            segmented_property_category=CATEGORY,
            segmented_property_type=structure_code(instance),
            algorithm_type=how,
            algorithm_identification=made_by,
            tracking_uid=highdicom.UID(),
            tracking_id=f"{instance.kind} {number}",
            display_color=highdicom.color.CIELabColor.from_rgb(*colour_of(instance)),
        )
        for number, instance in enumerate(result.instances, start=1)
    ]
    header = placed.headers[0]
    numbers = [frame.number for frame in placed.frames if frame.number is not None]
    sources = [_with_frames(header, numbers)] if numbers else list(placed.headers)
    made = highdicom.seg.Segmentation(
        source_images=sources,
        pixel_array=placed.labels,  # instances share no pixel, so one map of their numbers says all
        segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=descriptions,
        manufacturer_model_name=model_name(model),
        device_serial_number=model.sha256[:16],
        content_description="Vertebral bodies and intervertebral discs",
        content_label="SPINE",
        content_creator_name=person_name(result.correction.who) if result.correction else None,
        **new_series(SEG_NUMBER, "segmentation"),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        omit_empty_frames=True,
    )
    if numbers:
        _renumber(made, numbers)
    if result.slice.geometry is None:
        _as_a_film(made, header)
    return made


def _with_frames(header: Dataset, numbers: list[int]) -> Dataset:
    """The header of a multi-frame file as if it had these frames only: several others may lie at
    one place (echoes, water and fat), which a SEG's source may not."""
    out = copy(header)
    if groups := header.get("PerFrameFunctionalGroupsSequence"):  # a run of films has none
        out.PerFrameFunctionalGroupsSequence = Items([groups[number - 1] for number in numbers])
    out.NumberOfFrames = len(numbers)
    return out


def _renumber(made: Dataset, numbers: list[int]) -> None:
    """Put the frames' own numbers into what refers to them."""
    sources = {  # highdicom gives frames of one image the same item
        id(source): source
        for group in made.PerFrameFunctionalGroupsSequence
        for derivation in group.get("DerivationImageSequence") or ()
        for source in derivation.SourceImageSequence
    }
    for source in sources.values():
        source.ReferencedFrameNumber = numbers[int(source.get("ReferencedFrameNumber", 1)) - 1]


def _as_a_film(made: highdicom.seg.Segmentation, header: Dataset) -> None:
    """A film has directions instead of a place: what the standard wants then (PS3.3 C.7.6.1), and
    no pixel measures, which would need a slice thickness."""
    made.PatientOrientation = header.get("PatientOrientation") or ""
    for group in made.SharedFunctionalGroupsSequence:
        if "PixelMeasuresSequence" in group:
            del group.PixelMeasuresSequence
