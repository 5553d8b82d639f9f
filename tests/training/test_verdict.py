import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

import shutil
from pathlib import Path

import numpy as np

from spinetk.network.detector import JUDGED, JUDGED_BY, _session
from spinetk.network.devices import CPU, providers_of
from spinetk.network.registry import file_hash, find_model, verdict_file
from spinetk.training.export import export_verdict
from spinetk.training.verdict import FAR, NEAR, Verdict, VerdictStep, gather

CHANNELS = 8


def scene(count: int = 3, seed: int = 0) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    corner = torch.rand(count, 2, generator=random) * 200
    size = torch.rand(count, 2, generator=random) * 40 + 20
    boxes = torch.cat([corner, corner + size], dim=1)
    return {
        "boxes": boxes,
        "labels": torch.arange(count) % 2 + 1,
        "scores": torch.rand(count, generator=random),
        "masks": torch.rand(count, 56, 56, generator=random),
        "mask_boxes": boxes,
        **{
            name: torch.randn(1, CHANNELS, 384 // stride, 320 // stride, generator=random)
            for name, stride in zip(JUDGED_BY, (4, 16, 32), strict=True)
        },
    }


def test_the_written_step_judges_as_the_one_in_torch(tmp_path: Path) -> None:
    for suffix in (".onnx", ".masks.onnx"):
        shutil.copyfile(find_model("mr").path.with_suffix(suffix), tmp_path / f"a{suffix}")
    before = file_hash(tmp_path / "a.onnx")
    verdict = Verdict(2, CHANNELS).eval()
    assert export_verdict(verdict, tmp_path / "a.onnx") == file_hash(tmp_path / "a.onnx") != before
    session = _session(verdict_file(tmp_path / "a.onnx"), 1, JUDGED, providers_of(CPU))
    for count in (1, 5):
        given = scene(count, count)
        with torch.no_grad():
            wanted = VerdictStep(verdict)(*given.values())
        found = session.run(None, {name: value.numpy() for name, value in given.items()})
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_allclose(a, b.numpy(), atol=2e-3)  # weights are kept in fp16
        np.testing.assert_allclose(np.exp(found[1]).sum(1), 1, atol=1e-4)
        assert found[0].shape == (count, 2) and ((found[0] >= 0) & (found[0] <= 1)).all()


def test_a_body_sees_its_neighbours_and_the_end_of_the_picture() -> None:
    given = scene(1)
    given["boxes"] = torch.tensor([[140.0, 180.0, 180.0, 220.0]])
    maps = [torch.ones_like(given[name]) for name in JUDGED_BY]
    evidence = gather(
        *(given[n] for n in ("boxes", "labels", "scores", "masks", "mask_boxes")), tuple(maps)
    )
    assert evidence.near.shape == (1, CHANNELS, NEAR[1], NEAR[1])
    assert torch.allclose(evidence.near, torch.ones(()))  # 200 px wide: inside the picture
    # 640 px wide: the picture's 320 x 384 lie in its middle, nothing around them
    far = evidence.far[0, 0]
    assert far.shape == (FAR[1], FAR[1]) and far[3, 3] == 1 and far[0, 0] == 0 and far[3, 0] == 0


def test_features_in_the_mask_and_around_it_are_told_apart() -> None:
    given = scene(1)
    given["boxes"] = given["mask_boxes"] = torch.tensor([[64.0, 64.0, 128.0, 128.0]])
    mask = torch.zeros(1, 56, 56)
    mask[:, :, :28] = 1
    maps = [torch.zeros_like(given[name]) for name in JUDGED_BY]
    maps[0][..., : 96 // 4] = 2.0  # left half of the box
    around = gather(
        given["boxes"], given["labels"], given["scores"], mask, given["boxes"], tuple(maps)
    ).around[0]
    inside, outside = around[0], around[2 * CHANNELS]
    assert inside > 1.9 and outside < 0.1
