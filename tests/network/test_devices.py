import onnxruntime
import pytest

from spinetk.errors import UsageError
from spinetk.network.devices import PROVIDERS, providers_of


def test_the_processor_is_always_there_and_comes_last() -> None:
    assert providers_of("cpu") == ["CPUExecutionProvider"]


@pytest.mark.parametrize("device", sorted(set(PROVIDERS) - {"cpu"}))
def test_what_the_build_does_not_have_is_named_with_what_has_it(device: str) -> None:
    if PROVIDERS[device] in onnxruntime.get_available_providers():
        assert providers_of(device) == [PROVIDERS[device], PROVIDERS["cpu"]]
        return
    with pytest.raises(UsageError, match=rf"--device {device}: .* onnxruntime"):
        providers_of(device)
