"""DICOM outputs read again and compared, and judged by Debian's dicom3tools and dcmtk."""

import subprocess
import sys
from pathlib import Path

import cv2
import highdicom
import numpy as np
import pydicom
import pytest
import SimpleITK
from numpy.typing import NDArray

from spinetk.batch import segment_all
from spinetk.batch_options import Options
from spinetk.network.loaded import load_model, model_for
from spinetk.phantom import Phantom, PhantomConfig, make_phantom, write_phantom
from spinetk.pipeline import segment
from spinetk.readers import read
from spinetk.rle import decode_rle
from spinetk.stored_images import on_frames
from spinetk.study import Segmentation
from spinetk.writers.dicom_codes import structure_code
from spinetk.writers.dicom_contours import outlines
from spinetk.writers.formats import FORMATS
from tests.debian import needs_debian
from tests.make_dicom import axial, write_classic, write_enhanced_mr

KINDS = ("sagittal", "enhanced", "axial", "film")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path]]:
    """For each kind of source its files and the folder of its result, with every format."""
    root = tmp_path_factory.mktemp("dicom")
    mr = make_phantom(PhantomConfig(look="T1", slices=3, samples=1))
    write_phantom(mr, root / "sagittal")
    write_enhanced_mr(root / "enhanced" / "dicom", mr)
    write_axial(root / "axial" / "dicom")
    write_phantom(make_phantom(PhantomConfig(look="XR", samples=1)), root / "film")
    out = {}
    for kind in KINDS:
        source, target = root / kind / "dicom", root / kind / "out"
        assert not segment_all([source], target, Options(formats=FORMATS)).failed
        [folder] = [p for p in target.iterdir() if p.is_dir()]
        out[kind] = (source, folder)
    return out


def write_axial(folder: Path) -> Phantom:
    body = make_phantom(
        PhantomConfig(look="CT", slices=40, slice_distance=1.5, samples=1, spacing=1.0,
                      height=320, width=260)
    )  # fmt: skip
    images, directions, places = axial(body)
    write_classic(folder, images, directions, places, (1.0, 1.5))
    return body


def masks_of(folder: Path) -> list[tuple[str | None, NDArray[np.bool_]]]:
    """Level and mask of each instance, from the COCO file."""
    import json

    notes = json.loads((folder / "instances.coco.json").read_text())["annotations"]
    return [(n["level"], decode_rle(n["segmentation"])) for n in notes]


@pytest.mark.parametrize("kind", KINDS)
def test_a_segmentation_lies_on_its_images_pixel_by_pixel(
    results: dict[str, tuple[Path, Path]], kind: str
) -> None:
    source, folder = results[kind]
    seg = highdicom.seg.segread(folder / "seg.dcm")
    [series] = read(source).series
    import json

    one = series.slices[json.loads((folder / "run.json").read_text())["selected_slice"]]
    expected = masks_of(folder)
    assert seg.number_of_segments == len(expected)
    used = set()
    for number, (level, mask) in enumerate(expected, start=1):
        description = seg.get_segment_description(number)
        assert description.segmented_property_category.value == "91723000"
        assert description.segment_label == level or level is None
        for frame, image in zip(*on_frames(one, mask), strict=True):
            used.add((frame.uid, frame.number))
            if frame.number is None:
                found = seg.get_pixels_by_source_instance(
                    [frame.uid], segment_numbers=[number], ignore_spatial_locations=True
                )
            else:
                found = seg.get_pixels_by_source_frame(
                    frame.uid, [frame.number], segment_numbers=[number],
                    ignore_spatial_locations=True,
                )  # fmt: skip
            np.testing.assert_array_equal(found[0, ..., 0].astype(bool), image)
    if kind == "axial":  # only the images that something lies on
        assert {uid for _, _, uid in seg.get_source_image_uids()} == {uid for uid, _ in used}
        assert len(used) < len(list(source.iterdir()))


@pytest.mark.parametrize("kind", KINDS)
def test_the_report_holds_every_measurement_of_the_table(
    results: dict[str, tuple[Path, Path]], kind: str
) -> None:
    import csv

    _, folder = results[kind]
    rows = list(csv.DictReader((folder / "instances.csv").open()))
    report = highdicom.sr.srread(folder / "sr.dcm")
    groups = (
        report.content.get_volumetric_roi_measurement_groups()
        if kind == "axial"  # a cut lies across its images
        else report.content.get_planar_roi_measurement_groups()
    )
    assert len(groups) == len(rows)
    seg = pydicom.dcmread(folder / "seg.dcm", stop_before_pixels=True)
    for number, (group, row) in enumerate(zip(groups, rows, strict=True), start=1):
        values = {}
        for m in group.get_measurements():
            part = [s.topographical_modifier for s in m.finding_sites if s.topographical_modifier]
            values[(m.name.meaning, part[0].meaning if part else "")] = (m.value, m.unit.value)
        assert values["Area", ""] == (pytest.approx(float(row["area_mm2"])), "mm2")
        height = row["height_posterior_mm"]
        told = values.get(("Height", "Posterior"))
        assert (told is None) == (height == "")  # S1's, or of what the border cuts
        assert told is None or told[0] == pytest.approx(float(height))
        for name in ("skewness", "kurtosis", "mean"):
            assert values[name.capitalize(), ""][0] == pytest.approx(float(row[name]), rel=1e-6)
        entropy = values["Intensity Histogram Entropy", ""]
        assert entropy == (pytest.approx(float(row["entropy_bits"])), "bit")
        assert group.reference_type is not None
        assert seg.SegmentSequence[number - 1].TrackingUID == group.tracking_uid
    unit = values["Mean", ""][1]
    assert unit == ("[hnsf'U]" if kind == "axial" else "1")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("output", ["seg", "sr", "capture", "rtstruct"])
@needs_debian("dicom3tools", "dciodvfy")
def test_dicom3tools_finds_no_error(
    results: dict[str, tuple[Path, Path]], kind: str, output: str
) -> None:
    path = results[kind][1] / f"{output}.dcm"
    if (kind, output) == ("film", "rtstruct"):
        assert not path.exists()  # a film has no place in the patient
        return
    told = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True).stderr
    assert not [line for line in told.splitlines() if line.startswith("Error")], told


@pytest.mark.parametrize("kind", KINDS)
@needs_debian("dcmtk", "dsrdump")
def test_dcmtk_reads_segmentation_and_report(
    results: dict[str, tuple[Path, Path]], kind: str
) -> None:
    folder = results[kind][1]
    dump = subprocess.run(["dcmdump", str(folder / "seg.dcm")], capture_output=True, text=True)
    assert dump.returncode == 0 and not dump.stderr
    told = subprocess.run(["dsrdump", str(folder / "sr.dcm")], capture_output=True, text=True)
    assert told.returncode == 0 and "Imaging Measurement Report" in told.stdout
    assert not [line for line in told.stderr.splitlines() if line.startswith("E:")]


@pytest.mark.parametrize("kind", ["sagittal", "axial"])
def test_dcmqi_which_slicer_reads_with_finds_every_pixel_in_its_place(
    results: dict[str, tuple[Path, Path]], kind: str, tmp_path: Path
) -> None:
    _, folder = results[kind]
    program = Path(sys.executable).parent / "segimage2itkimage"
    subprocess.run(
        [program, "--inputDICOM", folder / "seg.dcm", "--outputDirectory", tmp_path,
         "--outputType", "nrrd", "--mergeSegments"],
        check=True, capture_output=True,
    )  # fmt: skip
    read_there = SimpleITK.ReadImage(str(tmp_path / "1.nrrd"))
    ours = SimpleITK.ReadImage(str(folder / "mask.nii.gz"))
    labels = SimpleITK.GetArrayFromImage(ours)
    places = np.argwhere(labels > 0)
    there = SimpleITK.GetArrayFromImage(read_there)
    found = {}
    for z, y, x in places.tolist():
        at = ours.TransformIndexToPhysicalPoint((x, y, z))
        value = there[read_there.TransformPhysicalPointToIndex(at)[::-1]]
        found.setdefault(int(labels[z, y, x]), set()).add(int(value))
    # each of our labels is one segment there, and there is nothing else
    assert all(len(values) == 1 and 0 not in values for values in found.values())
    assert len({next(iter(v)) for v in found.values()}) == len(found)
    assert int((there > 0).sum()) == len(places)


@pytest.mark.parametrize("kind", ["sagittal", "axial"])
def test_contours_filled_again_are_the_masks(
    results: dict[str, tuple[Path, Path]], kind: str
) -> None:
    source, folder = results[kind]
    structures = pydicom.dcmread(folder / "rtstruct.dcm")
    [series] = read(source).series
    import json

    one = series.slices[json.loads((folder / "run.json").read_text())["selected_slice"]]
    assert one.geometry is not None
    to_pixels = np.linalg.inv(np.diag([-1.0, -1, 1, 1]) @ one.geometry.affine_ras)
    for (_, mask), item in zip(masks_of(folder), structures.ROIContourSequence, strict=True):
        filled = np.zeros(mask.shape, np.uint8)
        for contour in item.ContourSequence:
            points = np.array(contour.ContourData, dtype=float).reshape(-1, 3)
            flat = np.column_stack([points, np.ones(len(points))]) @ to_pixels.T
            assert np.abs(flat[:, 2]).max() < 0.01  # in the slice's plane
            for row in range(mask.shape[0]):
                for column in np.flatnonzero(
                    (np.arange(mask.shape[1]) >= flat[:, 0].min())
                    & (np.arange(mask.shape[1]) <= flat[:, 0].max())
                    & (flat[:, 1].min() <= row <= flat[:, 1].max())
                ):
                    inside = cv2.pointPolygonTest(
                        flat[:, :2].astype(np.float32), (float(column), float(row)), False
                    )
                    filled[row, column] |= inside >= 0
        np.testing.assert_array_equal(filled.astype(bool), mask)


@pytest.mark.parametrize("kind", KINDS)
def test_the_capture_is_the_overlay(results: dict[str, tuple[Path, Path]], kind: str) -> None:
    source, folder = results[kind]
    made = pydicom.dcmread(folder / "capture.dcm")
    picture = cv2.cvtColor(cv2.imread(str(folder / "overlay.png")), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(made.pixel_array, picture)
    # the overlay is upright, anterior (the patient's right) on the left, as far as that is known
    said = pydicom.dcmread(next(source.iterdir())).get("PatientOrientation")
    assert list(made.PatientOrientation or []) == (
        list(said or []) if kind == "film" else ["P", "F"]
    )


def test_the_capture_of_a_frontal_film_runs_to_the_left(tmp_path: Path) -> None:
    write_phantom(make_phantom(PhantomConfig(look="XR", samples=1)), tmp_path)
    [path] = (tmp_path / "dicom").iterdir()
    film = pydicom.dcmread(path)
    film.PatientOrientation = ["L", "F"]
    film.save_as(path)
    assert not segment_all([path], tmp_path / "out", Options(formats=("capture",))).failed
    [made] = (tmp_path / "out").rglob("capture.dcm")
    assert list(pydicom.dcmread(made).PatientOrientation) == ["L", "F"]


def test_levels_have_their_codes(results: dict[str, tuple[Path, Path]]) -> None:
    [series] = read(results["sagittal"][0]).series
    name, series = model_for(series)
    result: Segmentation = segment(series, load_model(name), anchor=("L5", 2))
    codes = {i.level: structure_code(i).value for i in result.instances}
    assert codes["L4"] == "11994002" and codes["S1"] == "65985001"
    assert codes["L5-S1"] == "715056000" and codes["L4-L5"] == "84020006"


def test_an_outline_of_one_pixel() -> None:
    mask = np.zeros((5, 5), bool)
    mask[2, 3] = True
    [polygon] = outlines(mask)
    assert polygon[:, 0].min() > 2.5 and polygon[:, 0].max() < 3.5


@pytest.mark.parametrize("kind", KINDS)
def test_no_identity_in_other_files_than_dicom(
    results: dict[str, tuple[Path, Path]], kind: str
) -> None:
    folder = results[kind][1]
    for path in [*folder.iterdir(), *folder.parent.glob("*.csv")]:
        content = path.read_bytes()
        if path.suffix == ".gz":
            import gzip

            content = gzip.decompress(content)
        known = b"Phantom^SpineTK" in content or b"PHANTOM-1" in content
        assert known == (path.suffix == ".dcm"), path.name
        if path.suffix != ".dcm":
            assert str(results[kind][0]).encode() not in content, path.name


LEFT_OUT = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
    "StudyID", "AccessionNumber", "SliceThickness", "FrameOfReferenceUID",
)  # fmt: skip


def test_a_de_identified_header_is_enough(tmp_path: Path) -> None:
    write_phantom(make_phantom(PhantomConfig(look="T1", slices=2, samples=1)), tmp_path)
    for path in (tmp_path / "dicom").iterdir():
        dataset = pydicom.dcmread(path)
        for name in LEFT_OUT:
            if name in dataset:
                delattr(dataset, name)
        dataset.save_as(path)
    outcome = segment_all([tmp_path / "dicom"], tmp_path / "out", Options(formats=FORMATS))
    assert "not written" not in outcome.done[0]["warnings"]
    [folder] = [p for p in (tmp_path / "out").iterdir() if p.is_dir()]
    made = [pydicom.dcmread(folder / f"{name}.dcm") for name in ("seg", "rtstruct")]
    assert made[0].FrameOfReferenceUID == made[1].StructureSetROISequence[0][
        "ReferencedFrameOfReferenceUID"
    ].value  # fmt: skip
    assert (folder / "sr.dcm").is_file() and (folder / "capture.dcm").is_file()


def test_a_garbled_birth_date_stays_inside(tmp_path: Path) -> None:
    write_phantom(make_phantom(PhantomConfig(look="T1", slices=2, samples=1)), tmp_path)
    for path in (tmp_path / "dicom").iterdir():
        dataset = pydicom.dcmread(path)
        dataset.PatientBirthDate = "19700101"
        dataset.save_as(path)
        path.write_bytes(path.read_bytes().replace(b"19700101", b"1970-1-1"))
        assert pydicom.dcmread(path).PatientBirthDate == "1970-1-1"
    assert not segment_all([tmp_path / "dicom"], tmp_path / "out", Options(formats=FORMATS)).failed
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert {"seg.dcm", "sr.dcm", "capture.dcm", "rtstruct.dcm"} <= {path.name for path in files}
    assert not any(b"1970-1-1" in path.read_bytes() for path in files)


def test_what_is_not_written_is_told_without_quoting_the_header(
    results: dict[str, tuple[Path, Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ValueError("Unable to convert '1950-03-09' to 'DA' object")

    monkeypatch.setattr("spinetk.writers.dicom.segmentation", fails)
    outcome = segment_all([results["sagittal"][0]], tmp_path, Options())
    told = outcome.done[0]["warnings"]
    assert "seg.dcm was not written: the source's header does not allow it (ValueError)" in told
    assert "sr.dcm was not written" in told and "1950" not in told
    assert not list(tmp_path.rglob("*.dcm"))


def test_formats_are_chosen(phantom_folder: Path, tmp_path: Path) -> None:
    segment_all([phantom_folder / "dicom"], tmp_path, Options(formats=("sr",), slices=4))
    [folder] = [p for p in tmp_path.iterdir() if p.is_dir()]
    assert {p.name for p in folder.iterdir()} == {"run.json", "sr.dcm"}


def test_dicom_outputs_of_a_picture_are_said_not_to_be_written(
    results: dict[str, tuple[Path, Path]], tmp_path: Path
) -> None:
    picture = pydicom.dcmread(next(results["film"][0].iterdir())).pixel_array.astype(np.uint16)
    cv2.imwrite(str(tmp_path / "film.png"), picture)
    for formats, told in ((("seg",), "seg"), (("csv", "rtstruct"), "rtstruct")):
        options = Options(formats=formats, modality="XR", overwrite=True)
        outcome = segment_all([tmp_path / "film.png"], tmp_path / "out", options)
        assert f"{told}.dcm was not written: the source is not DICOM" in outcome.done[0]["warnings"]
    usual = segment_all(
        [tmp_path / "film.png"], tmp_path / "out", Options(modality="XR", overwrite=True)
    )
    assert "not written" not in usual.done[0]["warnings"]
