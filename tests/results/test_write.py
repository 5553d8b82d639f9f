import gzip
import json
from pathlib import Path

import cv2
import nibabel
import numpy as np
import pandas
import pytest
from pycocotools.coco import COCO

from spinetk.batch import segment_all
from spinetk.batch_options import Options
from spinetk.boxes import mask_box
from spinetk.network.loaded import LoadedModel
from spinetk.network.registry import find_model
from spinetk.phantom import Phantom
from spinetk.pipeline import segment
from spinetk.readers import read
from spinetk.results.write import write_result
from spinetk.structures import label_numbers
from spinetk.study import Instance, Segmentation


@pytest.fixture(scope="module")
def result(phantom_folder: Path, mr_model: LoadedModel) -> Segmentation:
    [series] = read(phantom_folder / "dicom").series
    return segment(series, mr_model, anchor=("S1", 1))


@pytest.fixture(scope="module")
def folder(result: Segmentation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    written = write_result(out, result, find_model("mr"), {"score": 0.5, "slice": "auto"})
    assert set(written.seconds) > set(result.seconds)
    return out / result.series.key


def test_every_file_of_the_contract_is_there_and_nothing_else(folder: Path) -> None:
    assert {p.name for p in folder.iterdir()} == {
        "angles.csv", "instances.coco.json", "instances.csv", "image.nii.gz", "mask.nii.gz",
        "overlay.png", "report.html", "run.json", "seg.dcm", "sr.dcm",
    }  # fmt: skip
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]


def test_coco_is_read_by_pycocotools_pixel_for_pixel(folder: Path, result: Segmentation) -> None:
    coco = COCO(folder / "instances.coco.json")
    notes = coco.loadAnns(coco.getAnnIds())
    assert len(notes) == len(result.instances)
    for note, instance in zip(notes, result.instances, strict=True):
        assert (coco.annToMask(note).astype(bool) == instance.mask).all()
        left, top, width, height = note["bbox"]
        assert (left, top, left + width, top + height) == instance.box
        assert note["slice_index"] == result.slice_index and 0 <= note["score"] <= 1
    names = {c["id"]: c["name"] for c in coco.loadCats(coco.getCatIds())}
    assert names == {1: "vertebral_body", 2: "intervertebral_disc"}


def test_nifti_pair_has_raw_values_labels_and_the_slices_place(
    folder: Path, result: Segmentation
) -> None:
    image, mask = (nibabel.load(folder / f"{name}.nii.gz") for name in ("image", "mask"))
    np.testing.assert_array_equal(image.affine, mask.affine)
    np.testing.assert_array_equal(image.get_fdata()[..., 0].T, result.slice.pixels)
    labels = np.asarray(mask.dataobj)[..., 0].T
    assert set(np.unique(labels)) == {0, *label_numbers(result.instances)}
    geometry = result.slice.geometry
    assert geometry is not None
    corner = image.affine @ np.array([0, 0, 0, 1])
    np.testing.assert_allclose(corner[:3], np.multiply(geometry.origin, (-1, -1, 1)), atol=1e-4)


def test_labels_lie_on_the_truth_of_the_volume(
    folder: Path, phantom: Phantom, phantom_folder: Path
) -> None:
    """Through the affines alone: the largest body of mask.nii.gz is one body of the truth.

    Which number it has is the naming's affair and is tested there.
    """
    mask, truth = (
        nibabel.load(folder / "mask.nii.gz"),
        nibabel.load(phantom_folder / "truth.nii.gz"),
    )
    labels = np.asarray(mask.dataobj)
    sizes = {label: int((labels == label).sum()) for label in np.unique(labels) if 0 < label < 200}
    found = np.argwhere(labels == max(sizes, key=lambda label: sizes[label]))
    world = nibabel.affines.apply_affine(mask.affine, found)
    voxels = np.round(nibabel.affines.apply_affine(np.linalg.inv(truth.affine), world)).astype(int)
    values = np.asarray(truth.dataobj)[tuple(voxels.T)]
    numbers, counts = np.unique(values, return_counts=True)
    assert len(found) > 500 and counts.max() / len(found) > 0.9
    assert 0 < numbers[counts.argmax()] < 100


def test_the_table_has_the_contracts_columns_and_sane_values(folder: Path) -> None:
    table = pandas.read_csv(folder / "instances.csv")
    assert {
        "label", "level", "order", "score", "truncated", "area_px", "area_mm2", "width_mm",
        "height_anterior_mm", "height_middle_mm", "height_posterior_mm", "centroid_x_px",
        "centroid_y_px", "spacing_row_mm", "spacing_column_mm", "mean", "mpp", "skewness",
        "kurtosis", "kurtosis_excess", "entropy_bits", "n_bins",
    } <= set(table.columns)  # fmt: skip
    np.testing.assert_allclose(table.area_mm2, table.area_px * 0.49, rtol=1e-6)
    np.testing.assert_allclose(table["kurtosis"] - table["kurtosis_excess"], 3)
    bodies = table[table.kind == "vertebral_body"]
    assert bodies.order.tolist() == list(range(1, len(bodies) + 1))
    whole = bodies[~bodies.truncated & (bodies.level != "S1")]
    assert len(whole) >= 6 and whole.height_middle_mm.between(12, 32).all()
    assert bodies[~bodies.index.isin(whole.index)].height_middle_mm.isna().all()
    assert table.unmeasured.notna().equals(table.height_middle_mm.isna())
    assert set(table.verdict) <= {"ok", "check", "reject"}
    angles = pandas.read_csv(folder / "angles.csv")
    assert list(angles.columns) == ["name", "upper", "lower", "degrees", "verdict"]
    assert ("lordosis", "L1", "S1") in set(
        zip(angles.name, angles.upper, angles.lower, strict=True)
    )


def test_pyradiomics_reads_the_pair_as_it_is_and_agrees(folder: Path) -> None:
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    table = pandas.read_csv(folder / "instances.csv").set_index("label")
    extractor = RadiomicsFeatureExtractor(force2D=True, binCount=64)
    extractor.disableAllFeatures()
    extractor.enableFeatureClassByName("firstorder")
    for label in table.index[:3]:
        features = extractor.execute(
            str(folder / "image.nii.gz"), str(folder / "mask.nii.gz"), label=int(label)
        )
        for ours, theirs in (
            ("mean", "Mean"), ("skewness", "Skewness"), ("kurtosis", "Kurtosis"),
            ("entropy_bits", "Entropy"),
        ):  # fmt: skip
            value = float(features[f"original_firstorder_{theirs}"])
            assert table.loc[label, ours] == pytest.approx(value, rel=1e-6)


def test_the_record_holds_the_trace_and_the_model(folder: Path, result: Segmentation) -> None:
    record = json.loads((folder / "run.json").read_text())
    assert [s["index"] for s in record["slices"]] == list(range(9))
    assert record["selected_slice"] == result.slice_index
    assert record["model"]["sha256"] == find_model("mr").sha256
    steps = {"turn", "detect", "select", "mask", "order", "measure", "write"}
    assert steps == record["seconds"].keys()


def test_the_overlay_is_a_picture_and_the_report_needs_nothing_else(folder: Path) -> None:
    picture = cv2.imread(str(folder / "overlay.png"))
    assert picture.shape[0] >= 600 and np.ptp(picture.astype(int), axis=2).max() > 60
    page = (folder / "report.html").read_text()
    assert page.count("<path") >= 15 and "data:image/png;base64," in page
    for outside in ("http://", "https://", "src=", "@import", "<link"):
        assert outside not in page


def test_no_identity_in_any_output_but_dicom(folder: Path) -> None:
    for path in folder.iterdir():
        if path.suffix == ".dcm":  # belongs to the study that it comes from
            continue
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
        for secret in (b"Phantom", b"PHANTOM-1", b"IM0001", str(folder.parent).encode()):
            assert secret not in content, f"{secret!r} in {path.name}"


def test_without_spacing_mm_columns_are_empty(
    phantom: Phantom, mr_model: LoadedModel, tmp_path: Path
) -> None:
    picture = np.clip(phantom.volume[4] / phantom.volume[4].max() * 255, 0, 255).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "bare.png"), picture)
    outcome = segment_all([tmp_path / "bare.png"], tmp_path / "out", Options())
    table = pandas.read_csv(tmp_path / "out" / "bare" / "instances.csv")
    assert (
        table.area_px.notna().all() and table.area_mm2.isna().all() and table.width_mm.isna().all()
    )
    assert any("no figures in mm" in w for w in outcome.done[0]["warnings"].split("; "))
    assert "not known" in (tmp_path / "out" / "bare" / "report.html").read_text()


def test_a_failure_while_writing_leaves_nothing_and_keeps_the_older_result(
    result: Segmentation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_result(tmp_path, result, find_model("mr"), {"score": 0.5, "slice": "auto"}, ["csv"])
    folder = tmp_path / result.series.key
    before = {p: p.read_bytes() for p in folder.iterdir()}

    def full_disk(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("spinetk.results.write.write_coco", full_disk)
    with pytest.raises(OSError, match="no space"):
        write_result(tmp_path, result, find_model("mr"), {"score": 0.5, "slice": "auto"})
    assert {p: p.read_bytes() for p in folder.iterdir()} == before
    assert list(tmp_path.iterdir()) == [folder]


def test_label_numbers_are_unique_and_tell_named_from_unnamed() -> None:
    def one(kind: str, order: int, level: str | None) -> Instance:
        mask = np.ones((2, 2), dtype=bool)
        return Instance(kind, mask, mask_box(mask), 0.9, order, level)

    body, disc = "vertebral_body", "intervertebral_disc"
    instances = [one(body, 1, "L5"), one(body, 2, None), one(disc, 1, "L4-L5"),
                 one(disc, 2, "L4-L5"), one(disc, 3, None)]  # fmt: skip
    assert label_numbers(instances) == [24, 202, 123, 302, 303]
