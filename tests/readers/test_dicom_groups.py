from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinetk.readers.dicom_groups import alike, by_contrast, by_rank, stations, what_differs
from spinetk.readers.dicom_headers import CONTRASTS, Header, read_headers
from spinetk.readers.dicom_stacks import stacks


@pytest.fixture(scope="module")
def headers(phantom_folder: Path) -> list[Header]:
    """Of nine sagittal slices, 4 mm apart."""
    return [read_headers(path)[0] for path in sorted((phantom_folder / "dicom").iterdir())]


def lower(header: Header, millimetres: float, sideways: float, name: str) -> Header:
    """The image of a station below."""
    assert header.geometry is not None
    down = millimetres * np.asarray(header.geometry.along_column)
    origin = np.asarray(header.geometry.origin) + down + sideways * header.geometry.normal
    geometry = replace(header.geometry, origin=tuple(origin.tolist()))
    return replace(header, geometry=geometry, frame=replace(header.frame, uid=name))


@pytest.mark.parametrize("sideways", [0.0, 6.0, 40.0])
def test_stations_along_the_body_are_series(headers: Sequence[Header], sideways: float) -> None:
    second = [lower(header, 220.0, sideways, f"{header.frame.uid}.2") for header in headers]
    found = stations([*headers, *second])
    assert [len(group) for group, _ in found] == [9, 9]
    assert all([w.code for w in told] == ["split"] for _, told in found)
    assert all(stack.even for stack in stacks([*headers, *second]))


def test_a_tilted_stack_is_no_set_of_stations(headers: Sequence[Header]) -> None:
    tilted = [
        lower(header, 40.0 * k, 0.0, f"{header.frame.uid}.{k}") for k, header in enumerate(headers)
    ]
    assert len(stations(tilted)) == 1


def test_size_and_orientation_make_groups(headers: Sequence[Header]) -> None:
    smaller = replace(headers[0], shape=(64, 64))
    assert [len(group) for group in alike([*headers, smaller])] == [9, 1]


def test_only_what_has_few_values_tells_contrasts_apart(headers: Sequence[Header]) -> None:
    place = CONTRASTS.index("EchoTime")

    def echo(header: Header, time: float) -> Header:
        return replace(header, kind=(*header.kind[:place], time, *header.kind[place + 1 :]))

    twice = [[echo(h, t) for t in (20.0, 80.0)] for h in headers]
    assert [len(group) for group in by_contrast(twice)] == [9, 9]
    # six phases of five slices, each slice with an echo time of its own
    phases = [[echo(h, 20.0 + k)] * 6 for k, h in enumerate(headers[:5])]
    assert len(by_contrast(phases)) == 1
    # one slice taken twice, echo times that differ between neighbours
    interleaved = [[echo(h, 20.0 + k % 2)] for k, h in enumerate(headers)]
    interleaved[4] = interleaved[4] * 2
    assert len(by_contrast(interleaved)) == 1


def test_images_at_a_place_are_told_apart_by_what_differs_at_every_place(
    headers: Sequence[Header],
) -> None:
    place = CONTRASTS.index("EchoTime")

    def echo(header: Header, time: float) -> Header:
        return replace(header, kind=(*header.kind[:place], time, *header.kind[place + 1 :]))

    # times measured anew for every slice, images in any order
    places = [
        [echo(h, t + 0.01 * k) for t in ((80.0, 20.0) if k % 2 else (20.0, 80.0))]
        for k, h in enumerate(headers)
    ]
    for ranked in by_rank(places):
        assert [round(h.kind[place], -1) for h in ranked] == [20, 80]


def test_images_of_another_spacing_are_a_stack_of_their_own(headers: Sequence[Header]) -> None:
    first = headers[0].geometry
    assert first is not None
    zoomed = [
        replace(h, geometry=replace(h.geometry, spacing=(first.spacing[0] / 2, first.spacing[1])))
        for h in headers[5:]
        if h.geometry is not None
    ]
    assert [len(group) for group in alike([*headers[:5], *zoomed])] == [5, 4]


def test_what_tells_contrasts_apart_is_said(headers: Sequence[Header]) -> None:
    def of(words: tuple[str, ...], echo: float) -> list[Header]:
        kind = list(headers[0].kind)
        kind[0], kind[CONTRASTS.index("EchoTime")] = words, echo
        return [replace(headers[0], kind=tuple(kind))]

    dixon = [of(("DERIVED", "PRIMARY", word), 2.4) for word in ("WATER", "FAT", "IN_PHASE")]
    assert what_differs(dixon) == ["WATER", "FAT", "IN_PHASE"]
    echoes = [of(("ORIGINAL", "PRIMARY"), time) for time in (20.0, 80.5)]
    assert what_differs(echoes) == ["echo time 20", "echo time 80.5"]
    assert what_differs([of(("ORIGINAL",), 20.0)] * 2) == ["not told by its header"] * 2
