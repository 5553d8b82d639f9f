from pathlib import Path

from spinetk.datasets.annotated import read_dataset
from spinetk.evaluation.timing import TIMED_IMAGES, time_images
from spinetk.network.loaded import LoadedModel
from tests.make_dataset import make_dataset


def test_images_evenly_spread_are_timed(tmp_path: Path, mr_model: LoadedModel) -> None:
    images = read_dataset(make_dataset(tmp_path / "toy", patients=3)).images
    times = time_images(images, mr_model)
    assert [t.image for t in times] == [i.key for i in images] and len(times) <= TIMED_IMAGES
    assert all(t.network > 0 and t.whole > 0 for t in times)
