"""DICOM structured report of the measurements: TID 1500, one group an instance."""

from __future__ import annotations

from typing import Any

import cv2
import highdicom
import numpy as np
from highdicom.sr import (
    ComprehensiveSR,
    ContentSequence,
    CoordinatesForMeasurement,
    FindingSite,
    ImageRegion,
    Measurement,
    MeasurementReport,
    ObservationContext,
    ObserverContext,
    PlanarROIMeasurementsAndQualitativeEvaluations,
    ReferencedSegment,
    RelationshipTypeValues,
    SourceImageForRegion,
    SourceImageForSegmentation,
    TextContentItem,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from numpy.typing import NDArray
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from spinetk.measures.table import Row
from spinetk.network.registry import Model
from spinetk.study import Instance, Segmentation
from spinetk.writers import dicom_codes as own
from spinetk.writers.dicom_contours import outlines
from spinetk.writers.dicom_source import (
    MANUFACTURER,
    SR_NUMBER,
    OnImages,
    model_name,
    new_series,
    person_name,
)

CONTAINS = RelationshipTypeValues.CONTAINS
MEASUREMENTS = codes.DCM.ImagingMeasurements
"""Name of the container of all groups."""
DRAWN_BY_OHIF = "Cornerstone3DTools@^0.1.0:PlanarFreehandROI"
"""What a tracking identifier begins with whose outline OHIF (3.13, read and tried) takes into its
list of measurements; it looks for the coordinates below the first value, the area."""


def report(
    result: Segmentation,
    model: Model,
    placed: OnImages,
    seg: highdicom.seg.Segmentation,
    rows: list[Row],
) -> ComprehensiveSR:
    """Measurements of each instance, with its outline on the image, or referring to its segment.

    Args:
        rows: of `spinetk.measures.table.measurements`, one an instance.

    Source: DICOM PS3.16 TID 1500; TID 1410 for outlines on one image, TID 1411 on several.
    """
    observer = ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=highdicom.sr.DeviceObserverIdentifyingAttributes(
            uid=highdicom.UID(),
            name=f"SpineTK {model.name}",
            manufacturer_name=MANUFACTURER,
            model_name=model_name(model),
            serial_number=model.sha256[:16],
        ),
    )
    who = result.correction.who if result.correction else None
    person = ObserverContext(
        observer_type=codes.DCM.Person,
        observer_identifying_attributes=highdicom.sr.PersonObserverIdentifyingAttributes(
            name=person_name(who)
        ),
    ) if who else None  # fmt: skip
    groups = [
        _group(number, instance, row, seg, placed, result.series.in_hounsfield)
        for number, (instance, row) in enumerate(zip(result.instances, rows, strict=True), start=1)
    ]
    content = MeasurementReport(
        observation_context=ObservationContext(
            observer_person_context=person, observer_device_context=observer
        ),
        procedure_reported=codes.LN.CTUnspecifiedBodyRegion
        if result.series.modality == "CT"
        else codes.SCT.ImagingProcedure,
        imaging_measurements=groups[:1],
        title=codes.DCM.ImagingMeasurementReport,
    )
    document = ComprehensiveSR(
        evidence=[*placed.headers, seg],
        content=content,
        is_complete=True,
        is_final=False,
        is_verified=False,
        **new_series(SR_NUMBER, "measurements"),
    )
    # highdicom copies and searches what it is given several times, which takes half of all the time
    # of writing: it is given the first group, and the others, made by the same rules, come after.
    # So only what is written is whole; `document.content`, highdicom's own view, holds one group
    [measured] = [item for item in document.ContentSequence if item.name == MEASUREMENTS]
    measured.ContentSequence.extend(item for group in groups[1:] for item in group)
    return document


Group = (
    PlanarROIMeasurementsAndQualitativeEvaluations
    | VolumetricROIMeasurementsAndQualitativeEvaluations
)


def _group(
    number: int,
    instance: Instance,
    row: Row,
    seg: highdicom.seg.Segmentation,
    placed: OnImages,
    hounsfield: bool,
) -> Group:
    """The measurements of an instance: with its outline where it lies on one image, which viewers
    list and draw, else with its segment. Either has the segment's tracking UID."""
    description = seg.SegmentSequence[number - 1]
    common: dict[str, Any] = {
        "finding_category": own.CATEGORY,
        "finding_type": own.structure_code(instance),
        "finding_sites": [FindingSite(own.structure_code(instance))],
    }
    sop_class = placed.headers[0].SOPClassUID
    on = [
        (frame.uid, [frame.number] if frame.number is not None else None)
        for frame, labels in zip(placed.frames, placed.labels, strict=True)
        if (labels == number).any()
    ]
    if len(placed.frames) == 1:
        [(uid, frames)] = on
        drawn = (
            highdicom.sr.GraphicTypeValues.POLYLINE,
            _outline(placed.labels[0] == number),
            SourceImageForRegion(sop_class, uid, frames),
        )
        group = PlanarROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=TrackingIdentifier(
                uid=description.TrackingUID,
                identifier=f"{DRAWN_BY_OHIF}:{description.TrackingID}",
            ),
            referenced_region=ImageRegion(*drawn),
            measurements=_measurements(instance, row, hounsfield),
            **common,
        )
        name = TextContentItem(codes.DCM.Comment, own.label_of(instance), CONTAINS)
        items = group[0].ContentSequence
        items += [name, _verdict(row)]
        # highdicom takes the outline of a group only beside its values; here it is below one, too
        area = next(item for item in items if item.name == own.AREA)
        area.ContentSequence = ContentSequence([CoordinatesForMeasurement(*drawn)])
        return group
    sources = [SourceImageForSegmentation(sop_class, uid, frames) for uid, frames in on]
    segment = ReferencedSegment(seg.SOPClassUID, seg.SOPInstanceUID, number, source_images=sources)
    through = VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            uid=description.TrackingUID, identifier=description.TrackingID
        ),
        referenced_segment=segment,
        measurements=_measurements(instance, row, hounsfield),
        **common,
    )
    through[0].ContentSequence.append(_verdict(row))
    return through


def _verdict(row: Row) -> TextContentItem:
    """The verdict on an instance, and its reasons."""
    reasons = f": {row['reasons']}" if row["reasons"] else ""
    return TextContentItem(own.VERDICT, f"{row['verdict']}{reasons}", CONTAINS)


def _outline(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The outline of a mask's largest part, closed: float [N, 2] of (column, row), in which the
    first pixel reaches from 0 to 1 (PS3.3 C.18.6.1.2)."""
    parts = outlines(mask)
    polygon = max(parts, key=lambda part: cv2.contourArea(part.astype(np.float32))) + 0.5
    return np.concatenate([polygon, polygon[:1]])


def _measurements(instance: Instance, row: Row, hounsfield: bool) -> list[Measurement]:
    """Area, heights and width in mm (pixels where the spacing is not known) and the features."""
    site = own.structure_code(instance)
    in_mm = row["area_mm2"] is not None
    unit, area_unit = (own.MM, own.MM2) if in_mm else (own.PIXELS, own.PIXELS)
    ending = "mm" if in_mm else "px"
    grey = own.HOUNSFIELD if hounsfield else own.NO_UNIT
    values: list[tuple[Code, str, Code, Code | None]] = [
        (own.AREA, "area_mm2" if in_mm else "area_px", area_unit, None),
        (own.HEIGHT, f"height_anterior_{ending}", unit, own.ANTERIOR),
        (own.HEIGHT, f"height_middle_{ending}", unit, own.MIDDLE),
        (own.HEIGHT, f"height_posterior_{ending}", unit, own.POSTERIOR),
        (own.WIDTH, f"width_{ending}", unit, None),
        (own.MEAN, "mean", grey, None),
        (own.MEAN_OF_POSITIVE, "mpp", grey, None),
        (own.SKEWNESS, "skewness", own.NO_UNIT, None),
        (own.KURTOSIS, "kurtosis", own.NO_UNIT, None),
        (own.ENTROPY, "entropy_bits", own.BIT, None),
    ]
    return [
        Measurement(
            name=code,
            value=own.decimal(float(row[column])),  # type: ignore[arg-type]
            unit=unit_code,
            finding_sites=[FindingSite(site, topographical_modifier=part)] if part else None,
        )
        for code, column, unit_code, part in values
        if row[column] is not None
    ]
