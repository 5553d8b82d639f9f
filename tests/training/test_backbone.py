import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")

from spinetk.training.backbone import Backbone


def test_features_halve_five_times_and_know_imagenet() -> None:
    backbone = Backbone().eval()
    image = torch.zeros(1, 1, 96, 64)
    image[..., 30:60, 20:40] = 1
    with torch.no_grad():
        features = backbone(image)
    assert [tuple(f.shape[2:]) for f in features] == [(48, 32), (24, 16), (12, 8), (6, 4), (3, 2)]
    assert [f.shape[1] for f in features] == backbone.channels
    # an untrained network of this depth, its batch norms folded, would give next to nothing
    assert all(float(f.std()) > 0.05 for f in features)


def test_layers_up_to_stride_4_stay_as_they_are() -> None:
    model = Backbone().model
    frozen = [*model.conv_stem.parameters(), *model.blocks[0].parameters()]
    assert not any(p.requires_grad for p in [*frozen, *model.blocks[1].parameters()])
    assert all(p.requires_grad for p in model.blocks[2].parameters())
    assert not any("bn" in name for name, _ in model.named_parameters())  # folded
