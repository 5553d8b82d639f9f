"""DICOM structured report of the measurements: TID 1500, one group an instance."""

from __future__ import annotations

import highdicom
from highdicom.sr import (
    ComprehensiveSR,
    FindingSite,
    Measurement,
    MeasurementReport,
    ObservationContext,
    ObserverContext,
    ReferencedSegment,
    SourceImageForSegmentation,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from spinetk.measures.table import Row
from spinetk.network.registry import Model
from spinetk.study import Instance, Segmentation
from spinetk.writers import dicom_codes as own
from spinetk.writers.dicom_source import (
    MANUFACTURER,
    SR_NUMBER,
    OnImages,
    model_name,
    new_series,
    person_name,
)

MEASUREMENTS = codes.DCM.ImagingMeasurements
"""Name of the container of all groups."""
DIGITS = 10
"""Significant digits: a DICOM decimal string has 16 characters."""


def report(
    result: Segmentation,
    model: Model,
    placed: OnImages,
    seg: highdicom.seg.Segmentation,
    rows: list[Row],
) -> ComprehensiveSR:
    """Measurements of each instance, referring to its segment.

    Args:
        rows: of `spinetk.measures.table.measurements`, one an instance.

    Source: DICOM PS3.16 TID 1500 and 1411, which refers to a segment on whatever number of frames.
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


def _group(
    number: int,
    instance: Instance,
    row: Row,
    seg: highdicom.seg.Segmentation,
    placed: OnImages,
    hounsfield: bool,
) -> VolumetricROIMeasurementsAndQualitativeEvaluations:
    description = seg.SegmentSequence[number - 1]
    sop_class = placed.headers[0].SOPClassUID
    sources = [
        SourceImageForSegmentation(
            sop_class, frame.uid, [frame.number] if frame.number is not None else None
        )
        for frame, labels in zip(placed.frames, placed.labels, strict=True)
        if (labels == number).any()
    ]
    return VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            uid=description.TrackingUID, identifier=description.TrackingID
        ),
        referenced_segment=ReferencedSegment(
            seg.SOPClassUID, seg.SOPInstanceUID, number, source_images=sources
        ),
        finding_category=own.CATEGORY,
        finding_type=own.structure_code(instance),
        finding_sites=[FindingSite(own.structure_code(instance))],
        measurements=_measurements(instance, row, hounsfield),
    )


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
            value=float(f"{float(row[column]):.{DIGITS}g}"),  # type: ignore[arg-type]
            unit=unit_code,
            finding_sites=[FindingSite(site, topographical_modifier=part)] if part else None,
        )
        for code, column, unit_code, part in values
        if row[column] is not None
    ]
