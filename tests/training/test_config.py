import pytest

pytest.importorskip("torch", reason="needs the train extra")

from pathlib import Path

from spinetk.errors import UsageError
from spinetk.training.config import REPURPOSING, read_config


def test_what_a_configuration_file_may_say(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("iterations = 7\n[augmentation]\nscale = [0.5, 2.0]\n[set_weights]\ntoy = 3\n")
    config = read_config(path, ("vertebral_body", "intervertebral_disc"))
    assert config.iterations == 7 and config.augmentation.scale == (0.5, 2.0)
    assert config.set_weights == {"toy": 3}
    path.write_text("learning_rate = 1\n")  # a whole number for a real one
    assert read_config(path, ("vertebral_body",)).learning_rate == 1
    path.write_text("iterations = '7'\n")
    with pytest.raises(UsageError, match="iterations = '7': a value like 3000 is needed"):
        read_config(path, ("vertebral_body",))
    path.write_text("[fitted_side]\nxr = 1024\n")
    with pytest.raises(UsageError, match="fitted_side: there is no xr; fields are MR, CT, XR"):
        read_config(path, ("vertebral_body",))
    path.write_text("batch_size = 0\n")
    with pytest.raises(UsageError, match="batch_size = 0: at least 1"):
        read_config(path, ("vertebral_body",))
    assert read_config(None, ("vertebral_body",), REPURPOSING).iterations == 600
    path.write_text("iteration = 7\n")
    with pytest.raises(UsageError, match="there is no iteration; fields are iterations"):
        read_config(path, ("vertebral_body",))
