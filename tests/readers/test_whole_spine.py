"""Stations of a whole spine, put together: the phantom in parts is the phantom again."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from spinetk.network.loaded import LoadedModel
from spinetk.phantom import Phantom
from spinetk.pipeline import segment
from spinetk.readers import read
from spinetk.readers.dicom_headers import read_headers
from spinetk.readers.dicom_stacks import stacks
from spinetk.readers.whole_spine import put_together, whole_spines
from spinetk.study import Series
from spinetk.writers.nifti import write_nifti

SHOWN = 270
"""Rows of each station, of 448."""


def in_stations(
    phantom_folder: Path,
    out: Path,
    change: Callable[[Dataset, int], None] = lambda dataset, station: None,
) -> Path:
    """The phantom's study as two stations, each a series with its own UIDs."""
    for path in sorted((phantom_folder / "dicom").iterdir()):
        for station, first in enumerate((0, 448 - SHOWN)):
            dataset = pydicom.dcmread(path)
            dataset.PixelData = dataset.pixel_array[first : first + SHOWN].tobytes()
            dataset.Rows = SHOWN
            place = np.array(dataset.ImagePositionPatient, dtype=float)
            down = np.array(dataset.ImageOrientationPatient[3:], dtype=float)
            place = place + first * dataset.PixelSpacing[0] * down
            dataset.ImagePositionPatient = [round(float(v), 4) for v in place]
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = (
                f"{dataset.SOPInstanceUID[:40]}.{station}.{dataset.InstanceNumber}"
            )
            dataset.SeriesInstanceUID = f"{dataset.SeriesInstanceUID[:40]}.{station}"
            dataset.SeriesNumber = str(5 + station)
            change(dataset, station)
            (out / str(station)).mkdir(parents=True, exist_ok=True)
            dataset.save_as(out / str(station) / path.name)
    return out


def whole(study: Path) -> Series:
    series = read(study).series
    assert [one.key.split("-")[1] for one in series] == ["5", "6", "whole"]
    return series[-1]


def test_stations_put_together_are_the_whole(
    phantom_folder: Path, phantom: Phantom, tmp_path: Path
) -> None:
    series = whole(in_stations(phantom_folder, tmp_path))
    assert "put-together" in {warning.code for warning in series.warnings}
    for item, geometry, values in zip(
        series.slices, phantom.geometries[::-1], phantom.volume[::-1], strict=True
    ):
        assert item.geometry is not None
        assert np.allclose(item.geometry.affine, geometry.affine, atol=1e-3)
        assert np.abs(item.pixels - values).max() < 1.1  # stored as whole numbers


def test_levels_run_through_the_whole_and_masks_lie_where_the_phantom_is(
    phantom_folder: Path, phantom: Phantom, mr_model: LoadedModel, tmp_path: Path
) -> None:
    result = segment(whole(in_stations(phantom_folder, tmp_path)), mr_model)
    truth = phantom.labels[::-1][result.slice_index]
    levels = [i.level for i in result.instances if i.kind == "vertebral_body"]
    assert levels[:8] == ["S1", "L5", "L4", "L3", "L2", "L1", "T12", "T11"]
    for instance in result.instances:
        if instance.level in ("L5", "L3", "L1", "T11"):
            number = {"L5": 24, "L3": 22, "L1": 20, "T11": 18}[instance.level]
            other = truth == number
            dice = 2 * (instance.mask & other).sum() / (instance.mask.sum() + other.sum())
            assert dice > 0.85


def test_a_station_taken_a_little_turned_in_its_plane_lands_in_place(
    phantom_folder: Path, phantom: Phantom, tmp_path: Path
) -> None:
    """A header that turns the lower station about the middle of the body must turn its pixels."""
    angle = np.radians(10)

    def turned(dataset: Dataset, station: int) -> None:
        if station:
            row, column = [0.0, np.cos(angle), np.sin(angle)], [0.0, np.sin(angle), -np.cos(angle)]
            dataset.ImageOrientationPatient = [round(v, 8) for v in (*row, *column)]

    series = whole(in_stations(phantom_folder, tmp_path, turned))
    lower = read(tmp_path / "1").series[0].slices[4]
    item = series.slices[4]
    assert item.geometry is not None and lower.geometry is not None
    to_grid = np.linalg.inv(item.geometry.affine)
    rows, columns = (np.random.default_rng(1).integers(180, 260, 200) for _ in range(2))
    points = lower.geometry.affine @ np.stack([columns, rows, 0 * rows, 0 * rows + 1])
    at = np.round((to_grid @ points)[:2]).astype(int)
    values = item.pixels[at[1], at[0]]
    assert np.corrcoef(values, lower.pixels[rows, columns])[0, 1] > 0.9


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SeriesDescription", "another"),
        ("FrameOfReferenceUID", "1.2.3"),
        ("EchoTime", "20"),
        ("PatientID", "another"),
    ],
)
def test_what_is_not_of_one_spine_is_not_put_together(
    phantom_folder: Path, tmp_path: Path, name: str, value: str
) -> None:
    def changed(dataset: Dataset, station: int) -> None:
        if station:
            setattr(dataset, name, value)

    study = in_stations(phantom_folder, tmp_path, changed)
    assert len(read(study).series) == 2


@pytest.mark.parametrize(("millimetres", "count"), [(-60.0, 0), (0.0, 1), (8.0, 0)])
def test_stations_that_leave_a_gap_or_repeat_one_another_are_not_put_together(
    phantom_folder: Path, tmp_path: Path, millimetres: float, count: int
) -> None:
    end = SHOWN * 0.7

    def moved(dataset: Dataset, station: int) -> None:
        x, y, z = dataset.ImagePositionPatient
        top = z if not station else z + (448 - SHOWN) * 0.7 - end - millimetres
        if millimetres < 0 and station:
            top = z + (448 - SHOWN) * 0.7 + millimetres
        dataset.ImagePositionPatient = [x, y, round(float(top), 4)]

    study = in_stations(phantom_folder, tmp_path, moved)
    headers = [h for path in sorted(study.rglob("*.dcm")) for h in read_headers(path)]
    found = [s for n in ("5", "6") for s in stacks(h for h in headers if str(h.series_number) == n)]
    assert len(whole_spines(found)) == count


def test_the_whole_is_written_as_a_volume_that_keeps_its_place(
    phantom_folder: Path, mr_model: LoadedModel, tmp_path: Path
) -> None:
    series = whole(in_stations(phantom_folder, tmp_path))
    assert series.source == "volume" and series.slices[0].origin is None
    write_nifti(tmp_path / "i.nii.gz", tmp_path / "m.nii.gz", segment(series, mr_model))
    again = read(tmp_path / "i.nii.gz").series[0].slices[0].geometry
    assert again is not None
    assert np.allclose(np.abs(again.spacing), series.slices[0].geometry.spacing)  # type: ignore[union-attr]


def test_one_station_alone_is_itself(phantom_folder: Path, phantom: Phantom) -> None:
    [series] = read(phantom_folder / "dicom").series
    again = put_together("a", [series])
    assert np.array_equal(again.slices[3].pixels, series.slices[3].pixels)


def test_a_station_tilted_out_of_the_plane_is_not_put_together(
    phantom_folder: Path, tmp_path: Path
) -> None:
    """By three degrees about the axis from front to back: slices of 4 mm, 270 rows of 0.7 mm."""
    angle = np.radians(3)

    def tilted(dataset: Dataset, station: int) -> None:
        if station:
            down = [np.sin(angle), 0.0, -np.cos(angle)]
            dataset.ImageOrientationPatient = [0.0, 1.0, 0.0, *(round(v, 8) for v in down)]

    assert len(read(in_stations(phantom_folder, tmp_path, tilted)).series) == 2


def test_two_contrasts_in_stations_are_two_whole_spines_that_say_which(
    phantom_folder: Path, tmp_path: Path
) -> None:
    first = in_stations(phantom_folder, tmp_path / "a")

    def second(dataset: Dataset, station: int) -> None:
        dataset.EchoTime, dataset.EchoNumbers = "20", "1"
        dataset.SOPInstanceUID += ".9"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID

    in_stations(phantom_folder, tmp_path / "b", second)
    for path in first.rglob("*.dcm"):
        dataset = pydicom.dcmread(path)
        dataset.EchoNumbers = "2"
        dataset.save_as(path)
    series = read(tmp_path).series
    wholes = [one for one in series if "whole" in one.key]
    assert len(wholes) == 2 and len(series) == 6
    texts = [w.text for one in wholes for w in one.warnings if w.code == "split"]
    assert any("echo time 20" in text for text in texts)
    assert any("echo time 100" in text for text in texts)


def test_inverted_stations_make_an_inverted_whole(phantom_folder: Path, tmp_path: Path) -> None:
    def inverted(dataset: Dataset, station: int) -> None:
        dataset.PhotometricInterpretation = "MONOCHROME1"

    series = whole(in_stations(phantom_folder, tmp_path, inverted))
    assert all(item.dark_bone for item in series.slices)
