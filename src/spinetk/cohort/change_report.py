"""What changed between two studies, as a DICOM structured report that refers to both."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import highdicom
import pydicom
from highdicom.sr import (
    CompositeContentItem,
    ComprehensiveSR,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    RelationshipTypeValues,
    TextContentItem,
    TrackingIdentifier,
)
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from spinetk.cohort.over_time import Change, TimePoint
from spinetk.errors import UsageError
from spinetk.structures import BODY_KIND, DISC_KIND
from spinetk.writers import dicom_codes as own
from spinetk.writers.dicom_source import CHANGE_NUMBER, MANUFACTURER, new_series

REPORT = "sr.dcm"
"""Of each of the two results."""
UNITS = {"mm": own.MM, "mm²": own.MM2, "px": own.PIXELS, "px²": own.PIXELS, "%": codes.UCUM.Percent,
         "degrees": codes.UCUM.Degree, "HU": own.HOUNSFIELD}  # fmt: skip
LONGEST_CODE = 16


def change_report(
    earlier: TimePoint, later: TimePoint, found: Sequence[Change]
) -> ComprehensiveSR | None:
    """The changes, one group a structure: of each measure how much it changed, and in words both
    values and whether chance explains it. None where a result has no report of its own.

    Source: DICOM PS3.16 TID 1500, TID 1501.

    Raises:
        UsageError: the two reports are of different patients.
    """
    places = [point.folder / REPORT for point in (later, earlier)]
    if not all(place.is_file() for place in places):
        return None
    reports = [pydicom.dcmread(place) for place in places]
    if len({str(report.PatientID) for report in reports if report.get("PatientID")}) > 1:
        raise UsageError(f"is of another patient than {earlier.name}, by their IDs", later.name)
    groups = [
        _group(level, kind, list(changes))
        for (kind, level), changes in groupby(sorted(found, key=_structure), key=_structure)
    ]
    content = MeasurementReport(
        observation_context=ObservationContext(
            observer_device_context=ObserverContext(
                observer_type=codes.DCM.Device,
                observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
                    uid=highdicom.UID(), name="SpineTK compare", manufacturer_name=MANUFACTURER
                ),
            )
        ),
        procedure_reported=codes.SCT.ImagingProcedure,
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )
    content[0].ContentSequence.append(
        CompositeContentItem(
            own.EARLIER_REPORT, reports[1].SOPClassUID, reports[1].SOPInstanceUID,
            RelationshipTypeValues.CONTAINS,
        )
    )  # fmt: skip
    return ComprehensiveSR(
        evidence=reports,
        content=content,
        is_complete=True,
        is_final=False,
        is_verified=False,
        **new_series(CHANGE_NUMBER, "changes"),
    )


def _structure(change: Change) -> tuple[str, str]:
    return change.structure, change.level


def _group(
    level: str, kind: str, changes: Sequence[Change]
) -> MeasurementsAndQualitativeEvaluations:
    name = f"{kind.replace('_', ' ')} {level}"
    common: dict[str, Any] = {}
    if kind in (BODY_KIND, DISC_KIND):
        code = own.code_of(kind, level)
        common = {"finding_type": code, "finding_sites": [FindingSite(code)]}
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=highdicom.UID(), identifier=name),
        measurements=[
            Measurement(
                name=_code(change.measure),
                value=own.decimal(change.change),
                unit=UNITS.get(change.unit, own.NO_UNIT),
            )
            for change in changes
        ],
        **common,
    )
    group[0].ContentSequence.extend(
        TextContentItem(codes.DCM.Comment, _words(change), RelationshipTypeValues.CONTAINS)
        for change in changes
    )
    return group


def _code(measure: str) -> Code:
    """A code of our own: what changed is the measure, and its name says so."""
    return Code(
        f"D_{measure}".upper()[:LONGEST_CODE], own.OWN_SCHEME,
        f"Change of {measure.replace('_', ' ')}",
    )  # fmt: skip


def _words(change: Change) -> str:
    unit = f" {change.unit}" if change.unit else ""
    text = f"{change.measure.replace('_', ' ')}: {change.earlier:.4g} -> {change.later:.4g}{unit}"
    if change.least is None:
        return f"{text}; the least detectable change is not known"
    than = "more" if change.detectable else "not more"
    return f"{text}; {than} than the least detectable change, {change.least:.2g}{unit}"
