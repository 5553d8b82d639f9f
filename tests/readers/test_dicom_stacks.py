from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinetk.errors import UnreadableInput, Unsuitable
from spinetk.readers import read
from spinetk.readers.dicom_headers import CONTRASTS, Header, read_headers
from spinetk.readers.dicom_stacks import SECONDARY_CAPTURE, Stack, even_parts, stacks


@pytest.fixture(scope="module")
def headers(phantom_folder: Path) -> list[Header]:
    """Of nine sagittal slices, 4 mm apart."""
    return [read_headers(path)[0] for path in sorted((phantom_folder / "dicom").iterdir())]


def moved(header: Header, millimetres: float, name: str) -> Header:
    assert header.geometry is not None
    origin = np.asarray(header.geometry.origin) + millimetres * header.geometry.normal
    geometry = replace(header.geometry, origin=tuple(origin.tolist()))
    return replace(header, geometry=geometry, frame=replace(header.frame, uid=name))


def codes(stack: Stack) -> list[str]:
    return [warning.code for warning in stack.warnings]


def places(stack: Stack) -> list[float]:
    normal = stack.geometries[0].normal
    return [round(float(np.dot(g.origin, normal)), 2) for g in stack.geometries]


def test_slices_are_put_in_order_and_the_distance_is_measured(headers: Sequence[Header]) -> None:
    [stack] = stacks(headers[::-1])
    assert places(stack) == sorted(places(stack)) and len(stack.headers) == 9
    assert stack.distance == pytest.approx(4.0) and stack.even and codes(stack) == []


def test_a_missing_slice_is_warned_of_and_parts_the_stack_for_a_cut(
    headers: Sequence[Header],
) -> None:
    [stack] = stacks([*headers[:3], *headers[4:]])
    assert codes(stack) == ["uneven"] and not stack.even
    parts = even_parts(stack)
    assert [len(part.headers) for part in parts] == [3, 5]
    assert all("split" in codes(part) for part in parts)


def test_echoes_at_every_place_are_series_of_their_own(headers: Sequence[Header]) -> None:
    second = [moved(header, 0.0, f"{header.frame.uid}.2") for header in headers]
    found = stacks([*headers, *second])
    assert [len(stack.headers) for stack in found] == [9, 9]
    assert all(codes(stack) == ["split"] for stack in found)


def test_a_second_image_at_one_place_is_left_out(headers: Sequence[Header]) -> None:
    [stack] = stacks([*headers, moved(headers[4], 0.0, "again")])
    assert len(stack.headers) == 9 and codes(stack) == ["left-out"]


def test_the_same_image_twice_counts_once(headers: Sequence[Header]) -> None:
    [stack] = stacks([*headers, headers[2]])
    assert len(stack.headers) == 9 and codes(stack) == []


def test_images_without_a_place(headers: Sequence[Header]) -> None:
    bare = [replace(header, geometry=None) for header in headers]
    with pytest.raises(UnreadableInput, match="orientation, position or pixel spacing"):
        stacks(bare)
    captures = [replace(header, sop_class=SECONDARY_CAPTURE + ".1") for header in bare]
    with pytest.raises(Unsuitable, match="secondary captures"):
        stacks(captures)
    [stack] = stacks([*headers[:8], bare[8]])
    assert len(stack.headers) == 8 and codes(stack) == ["left-out"]


def with_kind(header: Header, **values: object) -> Header:
    kind = list(header.kind)
    for name, value in values.items():
        kind[CONTRASTS.index(name)] = value
    return replace(header, kind=tuple(kind))


def test_what_differs_from_slice_to_slice_parts_nothing(headers: Sequence[Header]) -> None:
    timed = [
        with_kind(header, EchoTime=80.0 + 0.1 * k, InversionTime=150.0 + k % 5)
        for k, header in enumerate(headers)
    ]
    [stack] = stacks(timed)
    assert len(stack.headers) == 9 and stack.even and codes(stack) == []


def test_magnitude_and_phase_are_parted_by_what_tells_them(headers: Sequence[Header]) -> None:
    both = [
        with_kind(
            moved(header, 0.0, f"{header.frame.uid}.{part}"),
            ComplexImageComponent=part, EchoTime=80.0 + 0.1 * k,
        )
        for part in ("MAGNITUDE", "PHASE")
        for k, header in enumerate(headers)
    ]  # fmt: skip
    found = stacks(both[::2] + both[1::2])
    assert [len(stack.headers) for stack in found] == [9, 9]
    part = CONTRASTS.index("ComplexImageComponent")
    assert {frozenset(h.kind[part] for h in stack.headers) for stack in found} == {
        frozenset({"MAGNITUDE"}), frozenset({"PHASE"}),
    }  # fmt: skip


def test_stacks_beside_each_others_places_are_parted(headers: Sequence[Header]) -> None:
    second = [
        with_kind(moved(header, 0.5, f"{header.frame.uid}.2"), EchoTime=20.0) for header in headers
    ]
    found = stacks([*headers, *second])
    assert [len(stack.headers) for stack in found] == [9, 9] and all(s.even for s in found)


def test_of_an_image_and_its_cut_copy_the_whole_one_is_read(
    phantom_folder: Path, tmp_path: Path
) -> None:
    path = sorted((phantom_folder / "dicom").iterdir())[4]
    for name in ("a", "z"):
        for other in ("m", "n"):
            folder = tmp_path / f"{name}{other}"
            folder.mkdir()
            (folder / f"{other}.dcm").write_bytes(path.read_bytes())
            (folder / f"{name}.dcm").write_bytes(path.read_bytes()[:100_000])
            [series] = read(folder).series
            assert series.slices[0].pixels.shape == (448, 384)
