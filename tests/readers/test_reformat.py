"""Axial and coronal stacks cut in the sagittal plane, and masks brought back to their images."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from spinetk.errors import UnreadableInput
from spinetk.phantom import Phantom, PhantomConfig, make_phantom
from spinetk.readers import read
from spinetk.stored_images import on_frames
from spinetk.study import Cut, Series, Slice
from tests.make_dicom import axial, coronal, write_classic


@pytest.fixture(scope="module")
def body() -> Phantom:
    """A CT of 60 mm from side to side."""
    return make_phantom(
        PhantomConfig(look="CT", slices=40, slice_distance=1.5, samples=1, spacing=1.0,
                      height=200, width=160)
    )  # fmt: skip


def only(folder: Path) -> Series:
    [series] = read(folder).series
    return series


def same_place(one: Slice, phantom: Phantom) -> int:
    """Number of the phantom's slice that lies where a cut lies."""
    assert one.geometry is not None
    lateral = [g.origin[0] for g in phantom.geometries]
    [number] = [i for i, x in enumerate(lateral) if abs(x - one.geometry.origin[0]) < 1e-3]
    return number


@pytest.mark.parametrize("plane", [axial, coronal])
def test_a_cut_has_the_pixels_and_the_place_of_the_slice_that_it_is(
    body: Phantom, tmp_path: Path, plane: object
) -> None:
    images, directions, places = plane(body)  # type: ignore[operator]
    write_classic(tmp_path, images[::-1], directions, places[::-1], (1.0, 1.5))
    series = only(tmp_path)
    assert series.modality == "CT" and any(
        "cut in the sagittal plane" in w.text for w in series.warnings
    )
    for one in series.slices:
        number = same_place(one, body)
        np.testing.assert_array_equal(one.pixels, np.round(body.volume[number] + 1024) - 1024)
        expected = body.geometries[number]
        assert one.geometry is not None
        np.testing.assert_allclose(one.geometry.affine_ras, expected.affine_ras, atol=1e-4)


@pytest.mark.parametrize("plane", [axial, coronal])
@pytest.mark.parametrize("turned", [False, True])
def test_labels_come_back_to_their_own_images_pixel_by_pixel(
    body: Phantom, tmp_path: Path, plane: object, turned: bool
) -> None:
    images, directions, places = plane(body)  # type: ignore[operator]
    spacing = (1.0, 1.5)
    if turned:  # rows and columns of the images exchanged
        images, directions, spacing = images.swapaxes(1, 2), directions[::-1], (1.5, 1.0)
    files = write_classic(tmp_path, images, directions, places, spacing)
    one = only(tmp_path).slices[8]
    number = same_place(one, body)
    labels = body.labels[number]
    truth = np.zeros_like(body.labels)
    truth[number] = labels
    expected = np.transpose(truth, (1, 2, 0) if plane is axial else (2, 1, 0))
    expected = expected.swapaxes(1, 2) if turned else expected
    placed = {f.path: image for f, image in zip(*on_frames(one, labels), strict=True)}
    assert placed.keys() == {f for f, image in zip(files, expected, strict=True) if image.any()}
    for path, image in zip(files, expected, strict=True):
        if path in placed:
            np.testing.assert_array_equal(placed[path], image)


def test_a_tilted_gantry(body: Phantom, tmp_path: Path) -> None:
    """Images tilted by 15 degrees: a cut lies where its geometry says, within the half pixel
    that whole shifts allow, and labels come back exactly."""
    tilt = np.radians(15)
    down = (0.0, float(np.cos(tilt)), float(np.sin(tilt)))
    first = body.geometries[0]
    x, y, z = first.origin
    rows, columns = 130, len(body.volume)
    images, places = [], []
    for k in range(120):
        place = (x, y + 12, z - 30 - 1.0 * k)
        j = np.arange(rows)
        depth = place[1] + j * down[1] - y
        height = z - (place[2] + j * down[2])
        grid = np.stack([np.repeat(height[None], columns, 0), np.repeat(depth[None], columns, 0)])
        index = np.stack([np.repeat(np.arange(columns)[:, None], rows, 1), *grid])
        images.append(map_coordinates(body.volume, index, order=1).T)
        places.append(place)
    write_classic(tmp_path, np.stack(images), ((1.0, 0.0, 0.0), down), places, (1.0, 1.5))
    series = only(tmp_path)
    assert any("tilted by 15 degrees" in w.text for w in series.warnings)
    one = series.slices[10]
    assert one.geometry is not None and isinstance(one.origin, Cut)
    number = same_place(one, body)
    affine = np.diag([-1.0, -1.0, 1.0, 1.0]) @ one.geometry.affine_ras
    for line, shift in enumerate(one.origin.shifts):
        true_place = places[int(one.origin.frames[line].path.name) - 1]
        for j in (0, 60, 129):
            exact = np.add(true_place, np.multiply(down, j))  # where the image's pixel lies
            told = affine @ (shift + j, line, 0, 1)  # where the cut says that it lies
            assert np.abs(exact - told[:3])[1:].max() <= 0.5 + 1e-6
            value = map_coordinates(body.volume[number], [[z - exact[2]], [exact[1] - y]], order=1)
            assert one.pixels[line, shift + j] == pytest.approx(float(value[0]), abs=0.51)
    labels = (one.pixels > 200).astype(np.uint8)
    again = np.zeros_like(labels)
    for frame, image in zip(*on_frames(one, labels), strict=True):
        line = one.origin.frames.index(frame)
        shift = one.origin.shifts[line]
        again[line, shift : shift + rows] = image[:, one.origin.place]
    np.testing.assert_array_equal(again, labels)


def test_a_missing_image_divides_the_stack(body: Phantom, tmp_path: Path) -> None:
    images, directions, places = axial(body)
    for path in write_classic(tmp_path, images, directions, places, (1.0, 1.5))[100:102]:
        path.unlink()
    study = read(tmp_path)
    assert [s.slices[0].pixels.shape[0] for s in study.series] == [98, 100]
    assert all(any("taken as 2 parts" in w.text for w in s.warnings) for s in study.series)


@pytest.mark.parametrize(
    ("keep", "told"),
    [
        (slice(0, 19), "axial series of 19 slices: too few"),
        (slice(0, None, 8), "its sagittal plane is too coarse .8 x 1 mm."),
    ],
)
def test_what_cannot_be_cut_is_refused_with_the_reason(
    body: Phantom, tmp_path: Path, keep: slice, told: str
) -> None:
    images, directions, places = axial(body)
    write_classic(tmp_path, images[keep], directions, places[keep], (1.0, 1.5))
    with pytest.raises(UnreadableInput, match=told):
        read(tmp_path)


def test_images_turned_far_from_the_sagittal_plane_are_refused(
    body: Phantom, tmp_path: Path
) -> None:
    images, _, places = axial(body)
    turn = np.radians(40)
    along = (float(np.cos(turn)), float(np.sin(turn)), 0.0)
    across = (float(-np.sin(turn)), float(np.cos(turn)), 0.0)
    write_classic(tmp_path, images, (along, across), places, (1.0, 1.5))
    with pytest.raises(UnreadableInput, match="turned too far"):
        read(tmp_path)


def test_an_image_that_cannot_be_decoded_is_a_dark_line(body: Phantom, tmp_path: Path) -> None:
    images, directions, places = axial(body)
    broken = write_classic(tmp_path, images, directions, places, (1.0, 1.5))[50]
    broken.write_bytes(broken.read_bytes()[:3000])
    series = only(tmp_path)
    assert any("1 of 200 images could not be decoded" in w.text for w in series.warnings)
    one = series.slices[5]
    assert np.ptp(one.pixels[50]) == 0 and np.ptp(one.pixels[51]) > 0
