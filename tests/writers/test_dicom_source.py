from pathlib import Path

import pydicom

from spinetk.network.loaded import LoadedModel
from spinetk.study import Segmentation
from spinetk.writers.dicom_source import algorithm, on_images, person_name


def test_instances_lie_on_the_stored_image(phantom_result: Segmentation) -> None:
    placed = on_images(phantom_result)
    assert len(placed.frames) == len(placed.headers) == 1
    assert placed.headers[0].SOPInstanceUID == placed.frames[0].uid
    for number, instance in enumerate(phantom_result.instances, start=1):
        assert ((placed.labels[0] == number) == instance.mask).all()


def test_what_is_missing_in_a_header_is_empty_in_the_outputs(
    phantom_result: Segmentation, tmp_path: Path
) -> None:
    from dataclasses import replace

    path = phantom_result.slice.path
    dataset = pydicom.dcmread(path)
    for name in ("PatientName", "StudyDate", "AccessionNumber", "FrameOfReferenceUID"):
        dataset.pop(name, None)
    dataset.PatientBirthDate = ""
    dataset.save_as(tmp_path / "bare.dcm")
    origin = replace(phantom_result.slice.origin, path=tmp_path / "bare.dcm")  # type: ignore[type-var]
    one = replace(phantom_result.slice, path=tmp_path / "bare.dcm", origin=origin)
    slices = [one if s.index == one.index else s for s in phantom_result.series.slices]
    series = replace(phantom_result.series, slices=tuple(slices))
    [header] = on_images(replace(phantom_result, series=series)).headers
    assert header.PatientName == "" and header.StudyDate == "" and header.FrameOfReferenceUID


def test_names_of_people_fit_into_a_dicom_name() -> None:
    assert str(person_name("Dr. A^B=C\\D\n\0")) == "Dr. ABCD"
    assert len(str(person_name("x" * 200))) == 64


def test_the_network_is_named_with_its_hash(mr_model: LoadedModel) -> None:
    [item] = algorithm(mr_model.model)
    assert item.AlgorithmName == "SpineTK mr"
    assert mr_model.model.sha256[:32] in "".join(item.AlgorithmParameters)
