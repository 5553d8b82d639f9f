from dataclasses import replace
from pathlib import Path

from spinetk.datasets.annotated import read_dataset
from spinetk.evaluation.differences import difference_maps
from spinetk.evaluation.row_tables import frames_of
from spinetk.network.loaded import LoadedModel
from tests.evaluation.known_rows import FOUND
from tests.make_dataset import make_dataset


def test_the_worst_and_the_best_image_are_shown_with_their_dice(
    tmp_path: Path, mr_model: LoadedModel
) -> None:
    images = read_dataset(make_dataset(tmp_path / "toy", patients=3)).images
    rows = [
        replace(FOUND, image=i.key, dice=d) for i, d in zip(images, (0.2, 0.9, 0.5), strict=True)
    ]
    maps = difference_maps(frames_of(rows, (), (), (), ()).instances, images, lambda _: mr_model)
    assert {"vertebral_body_worst_1", "vertebral_body_best_1"} <= set(maps)
    for picture in maps.values():
        assert picture.ndim == 3 and picture.shape[2] == 3 and picture.any()
