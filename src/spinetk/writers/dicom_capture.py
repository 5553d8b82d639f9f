"""DICOM secondary capture: the overlay as a picture that every viewer shows."""

from __future__ import annotations

import highdicom
import numpy as np
from highdicom.sc import SCImage

from spinetk.network.registry import Model
from spinetk.orientation import upright_turn
from spinetk.study import Segmentation, Vector
from spinetk.writers.dicom_source import CAPTURE_NUMBER, OnImages, model_name, new_series
from spinetk.writers.overlay import draw_overlay


def capture(result: Segmentation, model: Model, placed: OnImages) -> SCImage:
    """The overlay in colour, in the study of its source.

    Source: DICOM PS3.3 A.8.1 (Secondary Capture Image IOD).
    """
    colour = np.ascontiguousarray(draw_overlay(result)[..., ::-1])  # drawn as BGR
    towards = _towards(result.slice.directions)
    made = SCImage.from_ref_dataset(
        ref_dataset=placed.headers[0],
        pixel_array=colour,
        photometric_interpretation=highdicom.PhotometricInterpretationValues.RGB,
        bits_allocated=8,
        coordinate_system=highdicom.CoordinateSystemNames.PATIENT,
        patient_orientation=towards or UNKNOWN,
        manufacturer_model_name=model_name(model),
        **new_series(CAPTURE_NUMBER, "overlay"),
    )
    if towards is None:
        made.PatientOrientation = []
    made.Laterality = ""  # wanted where the body part might be paired
    return made


UNKNOWN = ("P", "F")
"""highdicom wants some direction; it is taken out again."""


def _towards(directions: tuple[Vector, Vector] | None) -> tuple[str, str] | None:
    """What the rows and columns of the upright overlay run towards, where the source says."""
    if directions is None:
        return None
    row = directions[1] if upright_turn(directions).transpose else directions[0]
    return ("P" if abs(row[1]) >= abs(row[0]) else "L"), "F"
