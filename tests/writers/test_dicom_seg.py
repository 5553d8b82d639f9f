from pathlib import Path

import highdicom
import numpy as np
import pydicom

from spinetk.study import Segmentation
from spinetk.writers.dicom_codes import label_of
from spinetk.writers.dicom_source import SEG_NUMBER


def test_every_instance_is_a_segment_with_its_pixels(
    written: Path, phantom_result: Segmentation
) -> None:
    seg = highdicom.seg.segread(written / "seg.dcm")
    assert seg.SeriesNumber == SEG_NUMBER
    assert seg.number_of_segments == len(phantom_result.instances)
    origin = phantom_result.slice.origin
    assert origin is not None
    pixels = seg.get_pixels_by_source_instance([origin.uid])[0]  # type: ignore[union-attr]
    for number, instance in enumerate(phantom_result.instances, start=1):
        assert (pixels[..., number - 1].astype(bool) == instance.mask).all()
        assert seg.get_segment_description(number).segment_label == label_of(instance)


def test_the_segmentation_belongs_to_the_study_and_the_frame_of_reference(
    written: Path, phantom_result: Segmentation
) -> None:
    seg = pydicom.dcmread(written / "seg.dcm")
    source = pydicom.dcmread(phantom_result.slice.path, stop_before_pixels=True)
    for name in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID", "PatientName"):
        assert seg[name].value == source[name].value
    assert seg.SeriesInstanceUID != source.SeriesInstanceUID
    assert np.isclose(
        float(seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing[0]),
        source.PixelSpacing[0],
    )
