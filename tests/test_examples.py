"""The notebooks in examples/ run as they are, on the processor and for a moment."""

import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the train extra")
nbformat = pytest.importorskip("nbformat", reason="needs the dev extra")
nbclient = pytest.importorskip("nbclient", reason="needs the dev extra")

from tests.make_phantom_set import make_phantom_set

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_notebook_trains_evaluates_and_packs_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_phantom_set(tmp_path / "spines", 6)
    shutil.make_archive(str(tmp_path / "spines"), "zip", tmp_path, "spines")
    (tmp_path / "c.toml").write_text("batch_size = 1\ninput_size = 192\nsampled_regions = 16\n")
    for name, value in (
        ("DATA", "spines.zip"), ("MINUTES", "0.4"), ("CONFIG", "c.toml"), ("RUN", "run"),
    ):  # fmt: skip
        monkeypatch.setenv(f"SPINETK_{name}", value)
    notebook = nbformat.read(EXAMPLES / "train_on_gpu.ipynb", as_version=4)
    assert all(not cell.get("outputs") for cell in notebook.cells)  # kept clean
    nbclient.NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    assert (tmp_path / "run" / "evaluation" / "report.html").is_file()
    assert (tmp_path / "model.zip").stat().st_size > 1e6
    printed = "".join(
        out.get("text", "") for cell in notebook.cells for out in cell.get("outputs", [])
    )
    assert "held out" in printed and "levels" in printed
