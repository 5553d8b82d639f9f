from dataclasses import replace
from pathlib import Path

from spinetk.datasets.annotated import read_dataset
from spinetk.evaluation.evaluate import write_run
from spinetk.evaluation.row_tables import frames_of
from spinetk.network.loaded import LoadedModel
from tests.evaluation.known_rows import FOUND, RIGHT
from tests.make_dataset import make_dataset


def test_names_of_data_sets_are_text_on_the_page(mr_model: LoadedModel, tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    images = [
        replace(image, dataset=evil)
        for image in read_dataset(make_dataset(tmp_path / "toy", patients=4)).images
    ]
    rows = [replace(FOUND, dataset=evil, image=image.key) for image in images]
    proposals = [replace(RIGHT, dataset=evil, image=image.key) for image in images]
    frames = frames_of(rows, (), proposals, (), ())
    about = {"model": evil, "patients": [evil]}
    head = write_run(tmp_path, frames, about, evil, images, lambda _: mr_model)
    page = (tmp_path / "report.html").read_text()
    assert evil not in page and "&lt;script&gt;" in page
    assert evil in head  # Markdown is not HTML
    for name in ("figures.json", "figures.md", "rows", "tables/data_sets.csv", "figures/dice.svg"):
        assert (tmp_path / name).exists(), name
