import io
from pathlib import Path

import pydicom
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag

from spinetk.network.loaded import LoadedModel
from spinetk.study import Segmentation
from spinetk.writers.dicom_source import algorithm, in_unicode, on_images, person_name


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


@pytest.mark.parametrize(
    ("charset", "stored", "name"),
    [
        ("ISO_IR 100", "M\xfcller^J\xf6rg".encode("latin-1"), "Müller^Jörg"),
        ("ISO_IR 144", "Люкceмбypг".encode("iso8859-5"), "Люкceмбypг"),
        (["", "ISO 2022 IR 87"],
         b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B", "Yamada^Tarou=山田^太郎"),
        (["", "ISO 2022 IR 149"],
         b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7", "Hong^Gildong=洪^吉洞"),
        ("GB18030", "王^小东".encode("gb18030"), "王^小东"),
        ("ISO-IR 192", "Grün".encode(), "Grün"),
        ("utf-8 please", "Grün".encode(), "Grün"),
        ("", "Gr\xfcn".encode("latin-1"), "Grün"),
        (None, "Grün".encode(), "Grün"),
    ],
)  # fmt: skip
def test_text_of_every_character_set_becomes_unicode(
    charset: object, stored: bytes, name: str, phantom_folder: Path, tmp_path: Path
) -> None:
    dataset = pydicom.dcmread(min((phantom_folder / "dicom").iterdir()))
    del dataset.SpecificCharacterSet
    content = io.BytesIO()
    dataset.save_as(content)
    raw = pydicom.dcmread(io.BytesIO(content.getvalue()))
    for keyword in ("PatientName", "StudyDescription"):
        tag = Tag(keyword)
        kind = "PN" if keyword == "PatientName" else "LO"
        raw._dict[tag] = RawDataElement(tag, kind, len(stored), stored, 0, False, True)
    if charset is not None:
        text = ("\\".join(charset) if isinstance(charset, list) else str(charset)).encode()
        tag = Tag("SpecificCharacterSet")
        raw._dict[tag] = RawDataElement(tag, "CS", len(text), text, 0, False, True)
    raw.set_original_encoding(False, True, pydicom.charset.default_encoding)
    found = in_unicode(raw)
    assert found.SpecificCharacterSet == "ISO_IR 192"
    assert str(found.PatientName) == name
    again = io.BytesIO()
    found.save_as(again)
    assert str(pydicom.dcmread(io.BytesIO(again.getvalue())).PatientName) == name
