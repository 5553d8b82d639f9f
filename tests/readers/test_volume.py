import bz2
import hashlib
import zipfile
from pathlib import Path

import nibabel
import nrrd
import numpy as np
import pytest
import SimpleITK

from spinetk.errors import UnreadableInput
from spinetk.orientation import upright
from spinetk.phantom import Phantom
from spinetk.readers import find, read
from spinetk.readers.volume_files import read_volume


def save_nifti(path: Path, phantom: Phantom, axes: str) -> Path:
    """The phantom as NIfTI with its axes stored in another order and direction, as "LSA"."""
    array = np.transpose(phantom.volume, (2, 1, 0))
    affine = phantom.geometries[0].affine_ras
    step = np.subtract(phantom.geometries[1].origin, phantom.geometries[0].origin)
    affine[:3, 2] = np.diag([-1.0, -1.0, 1.0]) @ step
    image = nibabel.Nifti1Image(array, affine)
    wanted = nibabel.orientations.axcodes2ornt(tuple(axes))
    turn = nibabel.orientations.ornt_transform(nibabel.io_orientation(image.affine), wanted)
    nibabel.save(image.as_reoriented(turn), path)
    return path


@pytest.mark.parametrize("axes", ["RAS", "LPS", "PIR", "AIL", "SLA", "IRP"])
def test_any_axis_order_gives_the_same_slices_head_up_anterior_left(
    phantom: Phantom, tmp_path: Path, axes: str
) -> None:
    [series] = read(save_nifti(tmp_path / "scan.nii.gz", phantom, axes)).series
    assert series.key == "scan" and series.source == "volume"
    by_place = {g.origin[0]: v for g, v in zip(phantom.geometries, phantom.volume, strict=True)}
    for one in series.slices:
        assert one.geometry is not None
        np.testing.assert_array_equal(one.pixels, by_place[round(one.geometry.origin[0], 6)])
        np.testing.assert_allclose(
            one.geometry.origin,
            phantom.geometries[0].origin[:1] * 0
            + (one.geometry.origin[0], *phantom.geometries[0].origin[1:]),
            atol=1e-4,
        )
        assert one.spacing == pytest.approx((0.7, 0.7))


def test_mha_and_nrrd_as_itk_writes_them_agree_with_nifti(phantom: Phantom, tmp_path: Path) -> None:
    nifti = save_nifti(tmp_path / "scan.nii.gz", phantom, "RAS")
    image = SimpleITK.ReadImage(str(nifti))
    [reference] = read(nifti).series
    for suffix in (".mha", ".nrrd"):
        path = tmp_path / f"scan{suffix}"
        SimpleITK.WriteImage(image, str(path))
        [series] = read(path).series
        for a, b in zip(series.slices, reference.slices, strict=True):
            np.testing.assert_array_equal(a.pixels, b.pixels)
            assert a.geometry is not None and b.geometry is not None
            np.testing.assert_allclose(a.geometry.origin, b.geometry.origin, atol=1e-3)


def test_oblique_volumes_keep_their_geometry(tmp_path: Path) -> None:
    turn = np.radians(20)
    rotate = np.array(
        [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    )
    affine = np.eye(4)
    affine[:3, :3] = rotate @ np.diag([4.0, 0.8, 0.8])
    affine[:3, 3] = (10, -20, 30)
    array = np.random.default_rng(0).random((5, 64, 70)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(array, affine), tmp_path / "oblique.nii")
    [series] = read(tmp_path / "oblique.nii").series
    # voxel (x, y, z) of the file lies where the slice says that its pixel (row, column) lies
    one = series.slices[3]
    assert one.geometry is not None
    ras = one.geometry.affine_ras @ np.array([11, 7, 0, 1])  # column 11, row 7
    voxel = np.linalg.inv(affine) @ ras
    x, y, z = np.round(voxel[:3]).astype(int)
    np.testing.assert_allclose(voxel[:3], (x, y, z), atol=1e-6)
    assert one.pixels[7, 11] == array[x, y, z]


def test_values_of_air_tell_ct(tmp_path: Path) -> None:
    volume = np.full((6, 64, 64), -1000, dtype=np.int16)
    volume[:, 20:40, 20:40] = 200
    nibabel.save(nibabel.Nifti1Image(volume, np.eye(4)), tmp_path / "ct.nii.gz")
    assert read(tmp_path / "ct.nii.gz").series[0].modality == "CT"


def test_real_crops_are_read(real_crops: Path) -> None:
    [mr] = read(real_crops / "sample_mri" / "sub-mri_label-6_T2w.nii.gz").series
    [ct] = read(real_crops / "sample_ct" / "sub-ct_label-22_ct.nii.gz").series
    for series in (mr, ct):
        assert len(series.slices) > 3
        assert all(s.geometry is not None and s.geometry.plane == "sagittal" for s in series.slices)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((5, 64, 64), np.nan, dtype=np.float32), "no pixel has a finite value"),
        (np.zeros((4, 40, 40, 2), dtype=np.float32), "has 4 dimensions"),
        (np.zeros((5, 6, 7), dtype=np.float32), "too small"),
    ],
)
def test_unusable_volumes_are_refused(tmp_path: Path, array: np.ndarray, message: str) -> None:
    nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), tmp_path / "bad.nii")
    with pytest.raises(UnreadableInput, match=message):
        read(tmp_path / "bad.nii")


def test_a_label_map_is_no_image(phantom: Phantom, phantom_folder: Path) -> None:
    path = phantom_folder / "truth.nii.gz"
    with pytest.raises(UnreadableInput, match="looks like a label map"):
        read(path)
    assert len(read_volume(path, labels=True).slices) == len(phantom.labels)


@pytest.mark.parametrize("thick", [3.0, 4.25, 5.0])
def test_a_thick_axial_series_is_cut_with_a_warning(tmp_path: Path, thick: float) -> None:
    volume = np.random.default_rng(0).random((100, 100, 40)).astype(np.float32)
    affine = np.diag([0.5, 0.5, thick, 1])
    nibabel.save(nibabel.Nifti1Image(volume, affine), tmp_path / "axial.nii")
    [series] = read(tmp_path / "axial.nii").series
    assert series.slices[0].spacing == (thick, 0.5)
    assert "coarse" in [w.code for w in series.warnings]


def test_bodies_of_three_rows_are_too_coarse(tmp_path: Path) -> None:
    volume = np.zeros((100, 100, 40), dtype=np.float32)
    nibabel.save(nibabel.Nifti1Image(volume, np.diag([0.5, 0.5, 8, 1])), tmp_path / "axial.nii")
    with pytest.raises(UnreadableInput, match="too coarse"):
        read(tmp_path / "axial.nii")


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.nii.gz").write_bytes(b"\x1f\x8b not gzip")
    (tmp_path / "bad.mha").write_text("ObjectType = Image\n")
    for name in ("bad.nii.gz", "bad.mha"):
        with pytest.raises(UnreadableInput, match=name):
            read(tmp_path / name)


def test_a_ct_crop_without_air_is_known_by_its_hounsfield_units(real_crops: Path) -> None:
    ct = read_volume(real_crops / "sample_ct" / "sub-ct_label-22_ct.nii.gz")
    mr = read_volume(real_crops / "sample_mri" / "sub-mri_label-6_T2w.nii.gz")
    assert ct.modality == "CT" and mr.modality is None


def test_a_damaged_nrrd_is_refused_and_does_not_end_the_process(
    phantom: Phantom, tmp_path: Path
) -> None:
    image = SimpleITK.ReadImage(str(save_nifti(tmp_path / "scan.nii.gz", phantom, "RAS")))
    SimpleITK.WriteImage(image, str(tmp_path / "scan.nrrd"))
    whole = (tmp_path / "scan.nrrd").read_bytes()
    for name, old, new in (
        ("sizes", b"sizes: ", b"sizes: 9999999 9"), ("space", b"left-posterior", b"left-sideways"),
        ("cut", whole[-4000:], b""), ("type", b"type: float", b"type: block"),
        ("directions", b"space directions: (", b"space directions: (x"),
    ):  # fmt: skip
        assert old in whole
        (tmp_path / f"{name}.nrrd").write_bytes(whole.replace(old, new, 1))
        with pytest.raises(UnreadableInput, match=f"{name}.nrrd: damaged or not known"):
            read(tmp_path / f"{name}.nrrd")


def test_a_nifti_in_metres_comes_out_in_mm(phantom: Phantom, tmp_path: Path) -> None:
    image = nibabel.load(save_nifti(tmp_path / "mm.nii.gz", phantom, "RAS"))
    affine = np.diag([0.001, 0.001, 0.001, 1.0]) @ image.affine
    metres = nibabel.Nifti1Image(np.asarray(image.dataobj), affine)
    metres.header.set_xyzt_units("meter")
    nibabel.save(metres, tmp_path / "m.nii.gz")
    [series], [reference] = (read(tmp_path / name).series for name in ("m.nii.gz", "mm.nii.gz"))
    assert series.slices[0].spacing == pytest.approx(reference.slices[0].spacing, rel=1e-4)
    metres.header.set_xyzt_units("mm")
    nibabel.save(metres, tmp_path / "absurd.nii.gz")
    with pytest.raises(UnreadableInput, match="geometry is not usable"):
        read(tmp_path / "absurd.nii.gz")


def test_a_nifti_without_orientation_is_warned_of(phantom: Phantom, tmp_path: Path) -> None:
    image = nibabel.load(save_nifti(tmp_path / "a.nii.gz", phantom, "RAS"))
    image.set_sform(None, code=0)
    image.set_qform(None, code=0)
    nibabel.save(image, tmp_path / "bare.nii.gz")
    try:
        [series] = read(tmp_path / "bare.nii.gz").series
    except UnreadableInput:
        pytest.fail("refused")
    assert any("does not say how it lies" in w.text for w in series.warnings)


@pytest.mark.parametrize("suffix", [".mhd", ".nrrd"])
def test_no_header_makes_us_read_in_another_folder(suffix: str, tmp_path: Path) -> None:
    folder = tmp_path / "upload"
    folder.mkdir()
    (tmp_path / "secret.raw").write_bytes(bytes(2 * 64 * 64 * 8))
    for name in (str(tmp_path / "secret.raw"), "../secret.raw"):
        (folder / f"a{suffix}").write_text(
            "NRRD0004\ntype: short\ndimension: 3\nsizes: 8 64 64\nencoding: raw\nendian: little\n"
            f"data file: {name}\n\n"
            if suffix == ".nrrd"
            else "NDims = 3\nDimSize = 8 64 64\nElementType = MET_SHORT\n"
            f"ElementDataFile = {name}\n"
        )
        with pytest.raises(UnreadableInput, match="not in the same folder"):
            read(folder / f"a{suffix}")


@pytest.mark.parametrize("suffix", [".mhd", ".nrrd"])
def test_values_in_a_file_beside_the_header_are_read_and_tell_inputs_apart(
    suffix: str, phantom: Phantom, tmp_path: Path
) -> None:
    image = SimpleITK.ReadImage(str(save_nifti(tmp_path / "scan.nii.gz", phantom, "RAS")))
    SimpleITK.WriteImage(image, str(tmp_path / "scan.mhd"))
    sizes, path = image.GetSize(), tmp_path / f"scan{suffix}"
    if suffix == ".nrrd":
        path.write_text(
            f"NRRD0004\ntype: {image.GetPixelIDTypeAsString().split()[-1]}\ndimension: 3\n"
            f"space: left-posterior-superior\nsizes: {' '.join(map(str, sizes))}\n"
            + "space directions: "
            + " ".join(
                str(
                    tuple(image.GetDirection()[i::3][k] * image.GetSpacing()[i] for k in range(3))
                ).replace(" ", "")
                for i in range(3)
            )
            + "\nendian: little\nencoding: raw\ndata file: scan.raw\n\n"
        )
    [found] = find([path]).series
    series, _ = found.load()
    [wanted] = read(tmp_path / "scan.nii.gz").series
    assert series is not None and len(series.slices) == len(wanted.slices)
    np.testing.assert_array_equal(series.slices[3].pixels, wanted.slices[3].pixels)
    before = found.input_sha256
    contents = path.read_bytes() + (tmp_path / "scan.raw").read_bytes()
    assert before == hashlib.sha256(contents).hexdigest()
    with (tmp_path / "scan.raw").open("r+b") as stream:
        stream.write(b"other")
    assert found.input_sha256 != before
    alone = find([tmp_path / "scan.nii.gz"]).series[0].input_sha256
    assert alone == hashlib.sha256((tmp_path / "scan.nii.gz").read_bytes()).hexdigest()


def test_a_header_and_its_data_stay_together_in_a_zip(phantom: Phantom, tmp_path: Path) -> None:
    image = SimpleITK.ReadImage(str(save_nifti(tmp_path / "scan.nii.gz", phantom, "RAS")))
    SimpleITK.WriteImage(image, str(tmp_path / "scan.mhd"))
    with zipfile.ZipFile(tmp_path / "scan.zip", "w") as archive:
        for name in ("scan.mhd", "scan.raw"):
            archive.write(tmp_path / name, f"study/{name}")
    [series], [reference] = (read(tmp_path / n).series for n in ("scan.zip", "scan.mhd"))
    np.testing.assert_array_equal(series.slices[2].pixels, reference.slices[2].pixels)


def test_units_that_do_not_exist_are_taken_as_millimetres(tmp_path: Path, phantom: Phantom) -> None:
    image = nibabel.load(save_nifti(tmp_path / "scan.nii.gz", phantom, "RAS"))
    image.header["xyzt_units"] = 7 + 96
    nibabel.save(image, tmp_path / "strange.nii.gz")
    [strange], [usual] = (read(tmp_path / f"{n}.nii.gz").series for n in ("strange", "scan"))
    assert strange.slices[0].spacing == usual.slices[0].spacing


def stored(phantom: Phantom) -> tuple[np.ndarray, np.ndarray]:
    """The phantom as [x, y, z] and its affine in RAS."""
    affine = phantom.geometries[0].affine_ras
    step = np.subtract(phantom.geometries[1].origin, phantom.geometries[0].origin)
    affine[:3, 2] = np.diag([-1.0, -1.0, 1.0]) @ step
    return np.transpose(phantom.volume, (2, 1, 0)).astype(np.float32), affine


def codes(path: Path) -> list[str]:
    return [w.code for w in read(path).series[0].warnings]


def test_distances_that_contradict_each_other_give_no_millimetres(
    phantom: Phantom, tmp_path: Path
) -> None:
    array, affine = stored(phantom)
    image = nibabel.Nifti1Image(array, affine)
    nibabel.save(image, tmp_path / "good.nii.gz")
    wanted = upright(read(tmp_path / "good.nii.gz").series[0].slices[3]).visible
    image.header["pixdim"][1:4] *= 0.7
    nibabel.save(image, tmp_path / "pixdim.nii.gz")
    mirrored = nibabel.Nifti1Image(array, affine)
    mirrored.set_qform(affine @ np.diag([-1.0, 1, 1, 1]), 1)
    mirrored.header["pixdim"][1:4] = np.linalg.norm(affine[:3, :3], axis=0)
    nibabel.save(mirrored, tmp_path / "qform.nii.gz")
    sheared = affine.copy()
    sheared[:3, 0] += 0.2 * sheared[:3, 1]
    nibabel.save(nibabel.Nifti1Image(array, sheared), tmp_path / "shear.nii.gz")
    for name in ("pixdim", "qform", "shear"):
        path = tmp_path / f"{name}.nii.gz"
        [series] = read(path).series
        assert {"geometry-contradicts", "spacing-missing"} <= set(codes(path)), name
        assert series.slices[3].spacing is None and series.slices[3].geometry is None
        # head up, anterior left all the same
        np.testing.assert_array_equal(upright(series.slices[3]).visible, wanted)


def test_a_shear_of_rounded_numbers_is_taken_out(phantom: Phantom, tmp_path: Path) -> None:
    array, affine = stored(phantom)
    affine[:3, :3] = np.round(affine[:3, :3] + 0.001 * affine[:3, [1, 2, 0]], 4)
    nibabel.save(nibabel.Nifti1Image(array, affine), tmp_path / "a.nii.gz")
    [series] = read(tmp_path / "a.nii.gz").series
    for one in series.slices:
        assert one.geometry is not None
        assert abs(np.dot(one.geometry.along_row, one.geometry.along_column)) < 1e-12
    assert series.slices[0].spacing == pytest.approx((0.7, 0.7), rel=0.01)


def test_a_volume_that_says_no_distance_has_no_millimetres(
    phantom: Phantom, tmp_path: Path
) -> None:
    array = stored(phantom)[0]
    sagittal = np.transpose(array, (2, 0, 1))[:, ::-1, ::-1]  # x sideways, y to the back, z up
    nibabel.save(nibabel.Nifti1Image(sagittal, np.eye(4)), tmp_path / "eye.nii.gz")
    nibabel.save(nibabel.Nifti1Image(sagittal, None), tmp_path / "none.nii.gz")
    nrrd.write(str(tmp_path / "bare.nrrd"), sagittal)
    for name in ("eye.nii.gz", "none.nii.gz", "bare.nrrd"):
        [series] = read(tmp_path / name).series
        assert series.spacing_source is None and series.slices[0].spacing is None, name
        assert len(series.slices) == len(phantom.volume)
    nrrd.write(
        str(tmp_path / "cm.nrrd"), sagittal,
        {"space": "RAS", "space directions": np.diag([0.4, 0.07, 0.07]),
         "space origin": [0, 0, 0], "space units": ["cm", "cm", "cm"]},
    )  # fmt: skip
    assert read(tmp_path / "cm.nrrd").series[0].slices[0].spacing == pytest.approx((0.7, 0.7))


def test_a_picture_stored_as_a_volume_is_a_picture(phantom: Phantom, tmp_path: Path) -> None:
    picture = phantom.volume[4].astype(np.float32)
    flat = picture.T[:, :, None]
    for name, affine, spacing in (
        ("none", None, None),
        ("eye", np.eye(4), None),
        ("nnunet", np.diag([0.7, 0.6, 999, 1.0]), (0.6, 0.7)),
        ("itk", np.diag([-1.0, -1.0, 1.0, 1.0]), None),
    ):
        path = tmp_path / f"{name}.nii.gz"
        nibabel.save(nibabel.Nifti1Image(flat, affine), path)
        [series] = read(path).series
        np.testing.assert_array_equal(series.slices[0].pixels, picture)
        assert series.slices[0].spacing == (pytest.approx(spacing) if spacing else None)
        assert "picture" in codes(path)
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(picture), str(tmp_path / "flat.mha"))
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(picture), str(tmp_path / "flat.nrrd"))
    for name in ("flat.mha", "flat.nrrd"):
        [series] = read(tmp_path / name).series
        np.testing.assert_array_equal(series.slices[0].pixels, picture)
        assert series.slices[0].spacing is None


def test_an_axial_slice_of_a_patient_is_no_picture(tmp_path: Path) -> None:
    affine = np.diag([-0.7, -0.7, 3.0, 1.0])
    affine[:3, 3] = (90, 110, -40)
    array = np.random.default_rng(0).random((80, 90, 1)).astype(np.float32)
    nibabel.save(nibabel.Nifti1Image(array, affine), tmp_path / "axial.nii.gz")
    with pytest.raises(UnreadableInput, match="a single axial slice"):
        read(tmp_path / "axial.nii.gz")


def test_pairs_detached_headers_and_compressed_files_are_read(
    phantom: Phantom, tmp_path: Path
) -> None:
    array, affine = stored(phantom)
    nibabel.save(nibabel.Nifti1Pair(array, affine), tmp_path / "pair.img")
    nrrd.write(
        str(tmp_path / "header.nhdr"), array,
        {"space": "RAS", "space directions": affine[:3, :3].T, "space origin": affine[:3, 3],
         "encoding": "raw"},
    )  # fmt: skip
    nibabel.save(nibabel.Nifti1Image(array, affine), tmp_path / "plain.nii")
    packed = bz2.compress((tmp_path / "plain.nii").read_bytes())
    (tmp_path / "packed.nii.bz2").write_bytes(packed)
    found = {series.key: series for series in read(tmp_path).series}
    assert set(found) == {"pair", "header", "plain", "packed"}
    for series in found.values():
        np.testing.assert_array_equal(series.slices[3].pixels, found["plain"].slices[3].pixels)
        assert series.slices[3].spacing == pytest.approx((0.7, 0.7))
    assert read(tmp_path / "pair.img").series[0].key == "pair"
    (tmp_path / "pair.img").unlink()
    with pytest.raises(UnreadableInput, match=r"pair.hdr.*not beside it"):
        read(tmp_path / "pair.hdr")


def test_labels_are_rounded_and_those_between_numbers_refused(tmp_path: Path) -> None:
    labels = np.zeros((6, 64, 64), np.float32)
    labels[:, 20:40, 20:40] = 23
    path = tmp_path / "a.nii.gz"
    for factor in (0.99999, 0.999, 1.0001):
        nibabel.save(nibabel.Nifti1Image(labels * np.float32(factor), np.diag([3, 1, 1, 1])), path)
        values = np.unique([s.pixels for s in read_volume(path, labels=True).slices])
        assert values.tolist() == [0, 23]
    labels[:, 19, 20:40] = 11.5
    nibabel.save(nibabel.Nifti1Image(labels, np.diag([3, 1, 1, 1])), path)
    with pytest.raises(UnreadableInput, match=r"no whole numbers \(one is 11.5\)"):
        read_volume(path, labels=True)
