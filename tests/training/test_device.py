import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from spinetk.datasets.annotated import AnnotatedImage
from spinetk.errors import UsageError
from spinetk.training.config import TrainingConfig
from spinetk.training.device import CPU, batches, chosen_device, has_bfloat16
from spinetk.training.samples import SampleSource

CONFIG = TrainingConfig(batch_size=2, input_size=96)


def test_loader_processes_draw_what_one_process_draws(
    images: tuple[AnnotatedImage, ...],
) -> None:
    source = SampleSource(images, CONFIG)
    for iteration, (pixels, targets) in batches(source, range(3, 6), CPU, loaders=2):
        own_pixels, own_targets = source.batch(iteration)
        assert torch.equal(pixels, own_pixels)
        for a, b in zip(targets, own_targets, strict=True):
            assert a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_a_gpu_that_is_not_there_is_said() -> None:
    if torch.cuda.is_available():
        assert chosen_device("auto").type == "cuda"
    else:
        assert chosen_device("auto") == chosen_device("cpu") == CPU
        with pytest.raises(UsageError, match="no GPU"):
            chosen_device("cuda")


def test_bfloat16_is_what_the_processor_says(monkeypatch: pytest.MonkeyPatch) -> None:
    for can in (True, False):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda can=can: can)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
        assert has_bfloat16(CPU) is can
