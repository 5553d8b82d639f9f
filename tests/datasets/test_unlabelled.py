import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from spinetk.datasets.annotated import BODY, AnnotatedImage, read_dataset
from spinetk.datasets.unlabelled import unlabelled_region
from tests.make_dataset import HEIGHT, WIDTH, make_dataset


def made(tmp_path: Path, **options: object) -> tuple[AnnotatedImage, NDArray[np.bool_]]:
    image = read_dataset(make_dataset(tmp_path / "toy", **options)).images[0]  # type: ignore[arg-type]
    return image, unlabelled_region(image)


def middle_column(image: AnnotatedImage) -> int:
    return int(np.mean([image.instances[0].box[0], image.instances[0].box[2]]))


def test_a_complete_image_is_doubtful_only_below_its_lowest_instance(tmp_path: Path) -> None:
    image, region = made(tmp_path, bodies=2)
    lowest_body = int(max(a.box[3] for a in image.instances if a.category == 1))
    lowest = int(max(a.box[3] for a in image.instances))
    assert not region[:lowest_body].any()
    assert region[lowest + 3, middle_column(image)]


def test_missing_discs_are_doubtful_and_labelled_bodies_are_not(tmp_path: Path) -> None:
    image, region = made(tmp_path, labelled=(1,), exhaustive=False)
    x = middle_column(image)
    bodies = sorted(image.instances, key=lambda a: a.box[1])
    for upper, lower in itertools.pairwise(bodies):
        gap = int((upper.box[3] + lower.box[1]) / 2)
        assert region[gap, x]
    for body in bodies:
        assert not region[body.mask].any()


def test_above_the_highest_body_is_doubtful_unless_exhaustive(tmp_path: Path) -> None:
    image, region = made(tmp_path / "a", exhaustive=False)
    assert region[1, middle_column(image)]
    image, region = made(tmp_path / "b", exhaustive=True)
    assert not region[1, middle_column(image)]


def test_far_from_the_column_stays_background(tmp_path: Path) -> None:
    _, region = made(tmp_path, labelled=(1,), exhaustive=False)
    assert not region[HEIGHT // 2, :5].any() and not region[HEIGHT // 2, -10:].any()
    assert region.mean() < 0.7 and region.shape == (HEIGHT, WIDTH)


def test_below_s1_everything_is_known(tmp_path: Path) -> None:
    image, region = made(tmp_path, lowest_level="S1", labelled=(1,), exhaustive=False, bodies=2)
    lowest = int(max(a.box[3] for a in image.instances))
    assert not region[lowest:].any()


def test_without_a_body_or_for_other_categories_the_whole_image_is_doubtful(
    tmp_path: Path,
) -> None:
    image = read_dataset(make_dataset(tmp_path / "toy", labelled=(2,), exhaustive=False)).images[0]
    assert unlabelled_region(image).all()
    assert unlabelled_region(replace(image, classes=("rib", "sternum"))).all()
    known = read_dataset(make_dataset(tmp_path / "known")).images[0]
    assert not unlabelled_region(replace(known, classes=("rib", "sternum"))).any()


def test_below_l5_only_s1_is_doubtful(tmp_path: Path) -> None:
    image, region = made(tmp_path, labelled=(1,), exhaustive=False, bodies=2)
    rows = sorted(a.box[1] for a in image.instances)
    pitch, lowest = rows[1] - rows[0], max(a.box[3] for a in image.instances)
    x = middle_column(image)
    assert region[min(HEIGHT - 1, int(lowest + pitch / 2)), x]
    assert not region[min(HEIGHT - 1, int(lowest + 2.2 * pitch)) :, x].any() or (
        lowest + 2.2 * pitch > HEIGHT
    )


def test_between_bodies_whose_levels_follow_each_other_no_body_is_missing(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path / "toy", patients=1, labelled=(1,), exhaustive=False)
    [image] = read_dataset(folder).images
    top, *_, bottom = sorted(image.instances, key=lambda a: a.box[1])
    rows = slice(int(top.box[3]), int(bottom.box[1]))
    any_kind, bodies = unlabelled_region(image), unlabelled_region(image, BODY)
    assert any_kind[rows].any() and not bodies[rows].any()
    assert bodies[int(bottom.box[3]) + 2 :].any()  # S1 may be there
    gap = replace(image, instances=(top, bottom))
    assert unlabelled_region(gap, BODY)[rows].any()
    nameless = replace(image, instances=tuple(replace(a, level=None) for a in image.instances))
    assert unlabelled_region(nameless, BODY)[rows].any()


def test_a_frontal_film_shows_no_disc(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path / "toy", patients=1, labelled=(1,), exhaustive=False)
    film = replace(read_dataset(folder).images[0], view="ap")
    assert (unlabelled_region(film) == unlabelled_region(film, BODY)).all()


def test_between_exhaustive_rows_every_body_is_known(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path / "toy", patients=1, labelled=(1,), exhaustive=False)
    [image] = read_dataset(folder).images
    bare = tuple(replace(a, level=None) for a in image.instances)
    known = replace(image, instances=bare, view="ap", exhaustive_rows=(0, image.pixels.shape[0]))
    assert not unlabelled_region(known).any()
    part = replace(known, exhaustive_rows=(30.0, 60.0))
    region = unlabelled_region(part)
    assert not region[30:61].any() and region.any()
