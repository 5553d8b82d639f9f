from pathlib import Path

import highdicom
import numpy as np
import pydicom

from spinetk.network.loaded import LoadedModel
from spinetk.phantom import Phantom
from spinetk.pipeline import segment
from spinetk.readers import read
from spinetk.study import Frame, Segmentation
from spinetk.writers.dicom_codes import label_of
from spinetk.writers.dicom_seg import segmentation
from spinetk.writers.dicom_source import SEG_NUMBER, on_images
from tests.make_dicom import write_enhanced_mr


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


def test_a_file_with_several_frames_at_a_place_is_referred_to_by_the_frames_used(
    phantom: Phantom, mr_model: LoadedModel, tmp_path: Path
) -> None:
    write_enhanced_mr(tmp_path, phantom, echoes=2)
    series = read(tmp_path).series
    assert len(series) == 2
    for one in series:
        result = segment(one, mr_model, slice_choice=4)
        origin = result.slice.origin
        assert isinstance(origin, Frame)
        made = segmentation(result, mr_model.model, on_images(result))
        assert len(made.PerFrameFunctionalGroupsSequence) == len(result.instances)
        for group, instance in zip(
            made.PerFrameFunctionalGroupsSequence, result.instances, strict=True
        ):
            [source] = group.DerivationImageSequence[0].SourceImageSequence
            assert source.ReferencedFrameNumber == origin.number
            position = group.PlanePositionSequence[0].ImagePositionPatient
            assert result.slice.geometry is not None
            np.testing.assert_allclose(position, result.slice.geometry.origin, atol=1e-3)
            number = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
            assert result.instances[number - 1] is instance
