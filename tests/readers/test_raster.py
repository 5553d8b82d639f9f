from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from spinetk.errors import UnreadableInput
from spinetk.readers import read
from spinetk.readers.raster import read_raster


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp", ".jpg"])
def test_gray_pictures_keep_their_values(tmp_path: Path, suffix: str) -> None:
    picture = np.tile(np.arange(0, 200, 2, dtype=np.uint8), (80, 1))
    cv2.imwrite(str(tmp_path / f"film{suffix}"), picture)
    [series] = read(tmp_path / f"film{suffix}").series
    assert series.key == "film" and series.modality is None and series.slices[0].spacing is None
    np.testing.assert_allclose(series.slices[0].pixels, picture, atol=3 if suffix == ".jpg" else 0)


def test_16_bit_values_are_kept(tmp_path: Path) -> None:
    picture = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16
    cv2.imwrite(str(tmp_path / "film.png"), picture)
    assert (read(tmp_path / "film.png").series[0].slices[0].pixels == picture).all()


def test_gray_saved_as_colour_is_taken_and_a_photo_is_not(tmp_path: Path) -> None:
    gray = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "gray.png"), cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR))
    assert (read(tmp_path / "gray.png").series[0].slices[0].pixels == gray).all()
    photo = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "photo.png"), photo)
    with pytest.raises(UnreadableInput, match="a colour picture"):
        read(tmp_path / "photo.png")


def test_one_pixel_and_damaged_pictures_are_refused(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "dot.png"), np.zeros((1, 1), np.uint8))
    with pytest.raises(UnreadableInput, match="1 x 1 pixels is too small"):
        read(tmp_path / "dot.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n")
    (tmp_path / "empty.png").write_bytes(b"")
    for name, why in (("broken.png", "cannot be read as a picture"), ("empty.png", "is empty")):
        with pytest.raises(UnreadableInput, match=f"{name}: {why}"):
            read(tmp_path / name)


def test_several_pictures_are_several_series_and_equal_names_get_numbers(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        cv2.imwrite(str(tmp_path / folder / "film.png"), np.zeros((40, 40), np.uint8))
    assert [s.key for s in read(tmp_path).series] == ["film", "film-2"]


def test_empty_folder_missing_path_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(UnreadableInput, match="the folder is empty"):
        read(tmp_path)
    with pytest.raises(UnreadableInput, match="no such file or folder"):
        read(tmp_path / "nowhere")
    (tmp_path / "readme.txt").write_text("x")
    with pytest.raises(UnreadableInput, match="among 1 file"):
        read(tmp_path)


def test_keys_never_clash_and_are_never_dots(tmp_path: Path) -> None:
    for name in ("a/x.png", "b/x-2.png", "c/x.png", "d/...png"):
        (tmp_path / name).parent.mkdir()
        cv2.imwrite(str(tmp_path / "p.png"), np.zeros((40, 40), np.uint8))
        (tmp_path / "p.png").rename(tmp_path / name)
    found = read([tmp_path, tmp_path / "d" / "...png"]).series  # a hidden file, named outright
    assert [s.key for s in found] == ["x", "x-2", "x-3", "series"]


def test_results_of_an_earlier_run_among_the_input_are_passed_over(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "film.png"), np.zeros((40, 40), np.uint8))
    for folder in ("results/film", "results/.unfinished-x"):
        (tmp_path / folder).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / folder / "overlay.png"), np.zeros((40, 40), np.uint8))
    (tmp_path / "results" / "film" / "run.json").write_text('{"spinetk": "0.1.0"}')
    assert [s.key for s in read(tmp_path).series] == ["film"]


def test_damaged_files_are_failures_and_foreign_ones_are_passed_over(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "film.png"), np.zeros((40, 40), np.uint8))
    (tmp_path / "broken.png").write_bytes(b"x")
    photo = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "photo.png"), photo)
    refused = {r.name: r.failed for r in read(tmp_path).refused}
    assert refused == {"broken.png": True, "photo.png": False}


def test_pages_after_the_first_are_told_of(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((80, 60), gray, dtype=np.uint8)) for gray in (50, 90)]
    pages[0].save(tmp_path / "two.tif", save_all=True, append_images=pages[1:])
    [series] = read(tmp_path / "two.tif").series
    assert series.slices[0].pixels.max() == 50
    assert any("2 pages" in w.text for w in series.warnings)


@pytest.mark.parametrize("turned", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "tif", "png"])
def test_a_picture_is_read_as_programs_show_it(tmp_path: Path, turned: int, suffix: str) -> None:
    picture = np.tile(np.linspace(20, 200, 60, dtype=np.uint8), (40, 1))
    picture[:20] //= 2
    exif = Image.Exif()
    exif[0x0112] = turned
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(picture).save(path, exif=exif, quality=100)
    wanted = (
        picture, picture[:, ::-1], picture[::-1, ::-1], picture[::-1], picture.T,
        np.rot90(picture, -1), picture[::-1, ::-1].T, np.rot90(picture),
    )[turned - 1]  # fmt: skip
    np.testing.assert_allclose(read_raster(path).slices[0].pixels, wanted, atol=3)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16, np.float32])
def test_where_white_is_zero_bright_stays_bright(tmp_path: Path, kind: type) -> None:
    bright = np.full((40, 50), 40, kind)
    bright[:20] = 200
    path = tmp_path / "a.tif"
    stored = bright if kind is np.uint8 else 240 - bright  # Pillow inverts 8 bit
    Image.fromarray(stored).save(path, tiffinfo={262: 0})
    np.testing.assert_array_equal(read_raster(path).slices[0].pixels, bright)
