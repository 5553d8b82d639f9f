"""Short real trainings on a made data set: learning, resuming, stopping, exporting."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the train extra")
onnx = pytest.importorskip("onnx", reason="needs the train extra")

from spinetk.datasets.annotated import AnnotatedImage, read_dataset
from spinetk.errors import SpineError, UsageError
from spinetk.network.detector import FEATURES, Detector
from spinetk.network.fitting import Fit, NetworkInput
from spinetk.network.registry import mask_file
from spinetk.training.config import NetworkConfig, TrainingConfig
from spinetk.training.export import export_onnx, load_weights, save_weights
from spinetk.training.loop import train
from spinetk.training.make_network import read_config, train_run
from spinetk.training.network import SpineRCNN
from tests.make_dataset import make_dataset

SMALL = TrainingConfig(
    iterations=4, batch_size=1, input_size=128, sampled_regions=16, checkpoint_every=2
)


@pytest.fixture
def images(tmp_path: Path) -> tuple[AnnotatedImage, ...]:
    return read_dataset(make_dataset(tmp_path / "toy", patients=3)).images


def weights(network: SpineRCNN) -> np.ndarray:
    return np.concatenate([p.detach().numpy().ravel() for p in network.parameters()])


def test_an_interrupted_run_goes_on_as_if_it_had_not_been(
    images: tuple[AnnotatedImage, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(images, tmp_path / "whole", SMALL, quiet=True)
    batch = "spinetk.training.samples.SampleSource.batch"
    from spinetk.training.samples import SampleSource

    real = SampleSource.batch

    def power_cut(self: SampleSource, iteration: int) -> object:
        if iteration == 3:
            raise KeyboardInterrupt
        return real(self, iteration)

    monkeypatch.setattr(batch, power_cut)
    with pytest.raises(KeyboardInterrupt):
        train(images, tmp_path / "cut", SMALL, quiet=True)
    monkeypatch.setattr(batch, real)
    resumed = train(images, tmp_path / "cut", SMALL, quiet=True)
    np.testing.assert_allclose(weights(resumed), weights(whole), atol=1e-6)
    assert len((tmp_path / "cut" / "losses.csv").read_text().splitlines()) == 5


def test_a_folder_with_another_run_is_not_mixed_up(
    images: tuple[AnnotatedImage, ...], tmp_path: Path
) -> None:
    train(images, tmp_path / "run", dataclasses.replace(SMALL, iterations=2), quiet=True)
    with pytest.raises(UsageError, match="another configuration"):
        train(images, tmp_path / "run", dataclasses.replace(SMALL, iterations=3), quiet=True)


def test_a_loss_that_is_not_finite_stops_with_a_clear_error(
    images: tuple[AnnotatedImage, ...], tmp_path: Path
) -> None:
    wild = dataclasses.replace(SMALL, iterations=40, learning_rate=1e12, gradient_norm=1e12)
    with pytest.raises(
        SpineError, match=r"iteration \d+: the loss is not finite, or its gradient \(.*loss_mask"
    ):
        train(images, tmp_path / "wild", wild, quiet=True)


def test_losses_fall(images: tuple[AnnotatedImage, ...], tmp_path: Path) -> None:
    config = dataclasses.replace(SMALL, iterations=30, learning_rate=1e-3)
    train(images, tmp_path / "run", config, quiet=True)
    rows = np.loadtxt(tmp_path / "run" / "losses.csv", delimiter=",", skiprows=1)
    total = rows[:, 1:].sum(axis=1)
    assert total[-5:].mean() < 0.7 * total[:5].mean()


def test_onnx_runtime_gives_what_torch_gives(tmp_path: Path) -> None:
    torch.manual_seed(3)
    network = SpineRCNN(NetworkConfig()).eval()
    with torch.no_grad():  # an untrained network finds nothing: let it
        network.regions.box_predictor.cls_score.bias += torch.tensor([-3.0, 2.0, 0.0])
    save_weights(network, tmp_path / "w.safetensors")
    load_weights(network, tmp_path / "w.safetensors")  # both sides run on fp16-rounded weights
    export_onnx(network, tmp_path / "n.onnx")
    detector = Detector(tmp_path / "n.onnx")
    for seed, size in ((0, (256, 256)), (1, (320, 160))):  # any size, in multiples of 32
        image = np.random.default_rng(seed).normal(0, 1, (1, 1, *size)).astype(np.float32)
        with torch.no_grad():
            expected = network(torch.from_numpy(image))
        boxes = detector.find_boxes(NetworkInput(image, Fit((1.0, 1.0), *size)))
        assert len(boxes.boxes) == len(expected.boxes) > 0
        np.testing.assert_allclose(boxes.boxes, expected.boxes, atol=0.05)
        np.testing.assert_allclose(boxes.scores, expected.scores, atol=2e-3)
        np.testing.assert_array_equal(boxes.labels, expected.labels)
        features = dict(zip(FEATURES, boxes.features, strict=True))
        given = {"boxes": boxes.boxes, "labels": boxes.labels, **features}
        masks, spanned = detector._outline.run(None, given)
        np.testing.assert_allclose(masks, expected.masks, atol=0.01)
        np.testing.assert_allclose(spanned, expected.mask_boxes, atol=0.05)


def test_in_8_bits_the_network_finds_the_same_and_one_that_finds_nothing_is_written_too(
    tmp_path: Path,
) -> None:
    torch.manual_seed(3)
    network = SpineRCNN(NetworkConfig()).eval()
    rng = np.random.default_rng(0)
    images = [rng.normal(0, 1, (1, 1, 128, 128)).astype(np.float32) for _ in range(2)]
    bias = network.regions.box_predictor.cls_score.bias
    with torch.no_grad():
        bias += torch.tensor([20.0, 0.0, 0.0])  # everything is background
    export_onnx(network, tmp_path / "nothing.onnx", images)
    given = NetworkInput(images[0], Fit((1.0, 1.0), 128, 128))
    assert len(Detector(tmp_path / "nothing.onnx").find_boxes(given).boxes) == 0
    with torch.no_grad():
        bias += torch.tensor([-23.0, 2.0, 0.0])
    export_onnx(network, tmp_path / "float.onnx")
    export_onnx(network, tmp_path / "eight.onnx", images)
    kinds = [
        {node.op_type for node in onnx.load(path).graph.node}
        for path in (tmp_path / "eight.onnx", mask_file(tmp_path / "eight.onnx"))
    ]
    assert all("QuantizeLinear" in one for one in kinds)
    precise, eight = (Detector(tmp_path / f"{name}.onnx") for name in ("float", "eight"))
    found = eight.find_boxes(given)
    assert len(found.boxes) > 0
    outlines = [one.find_masks(one.find_boxes(given), 0.0).masks for one in (precise, eight)]
    assert all(len(masks) > 0 for masks in outlines)
    for wanted, got in zip(precise.find_boxes(given).features, found.features, strict=True):
        error = np.abs(wanted - got).mean() / np.abs(wanted).mean()
        assert error < 0.1


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    save_weights(SpineRCNN(NetworkConfig(pyramid_channels=32)), tmp_path / "w.safetensors")
    with pytest.raises(SpineError, match="does not fit"):
        load_weights(SpineRCNN(NetworkConfig()), tmp_path / "w.safetensors")


def test_what_a_class_was_learned_as_is_taken_over_by_name(tmp_path: Path) -> None:
    torch.manual_seed(5)
    old = SpineRCNN(NetworkConfig(classes=("vertebral_body", "intervertebral_disc")))
    save_weights(old, tmp_path / "w.safetensors")
    new = SpineRCNN(NetworkConfig(classes=("implant", "vertebral_body")))
    fresh = new.regions.mask_network.out.weight[:, 1].clone()
    load_weights(new, tmp_path / "w.safetensors", old.config.classes)
    for ours, theirs in ((0, 0), (2, 1)):  # background, body
        torch.testing.assert_close(
            new.regions.mask_network.out.weight[:, ours],
            old.regions.mask_network.out.weight[:, theirs].half().float(),
        )
        torch.testing.assert_close(
            new.regions.box_predictor.bbox_pred.weight[4 * ours : 4 * ours + 4],
            old.regions.box_predictor.bbox_pred.weight[4 * theirs : 4 * theirs + 4].half().float(),
        )
    torch.testing.assert_close(new.regions.mask_network.out.weight[:, 1], fresh)


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
    assert read_config(None, ("vertebral_body",), repurposing=True).iterations == 600
    path.write_text("iteration = 7\n")
    with pytest.raises(UsageError, match="there is no iteration; fields are iterations"):
        read_config(path, ("vertebral_body",))


def test_from_data_to_a_network_file_that_segment_takes(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path / "toy", patients=5)
    (tmp_path / "c.toml").write_text(
        "iterations = 2\nbatch_size = 1\ninput_size = 128\nsampled_regions = 16\n"
    )
    path = train_run([folder], tmp_path / "run", tmp_path / "c.toml", 0.2, quiet=True)
    card = json.loads(path.with_suffix(".json").read_text())
    [hidden] = card["held_out_patients_sha256"]
    trained = card["trained_patients_sha256"]
    assert len(trained) == 4 and hidden not in trained
    assert "toy-0" not in path.with_suffix(".json").read_text()  # no patient id in a card
    assert card["data"][0]["patients"] == 5
    from spinetk.network.loaded import load_model

    assert load_model(path).model.classes == ("vertebral_body", "intervertebral_disc")
    # a network that starts from it names its data, too
    folder = make_dataset(tmp_path / "more", patients=5)
    weights = str(path.with_suffix(".safetensors"))
    second = train_run([folder], tmp_path / "b", tmp_path / "c.toml", 0.2, init=weights, quiet=True)
    start = json.loads(second.with_suffix(".json").read_text())["started_from"]
    assert [one["name"] for one in start["data"]] == ["toy"]
    assert start["sha256"] == card["sha256"] and "started_from" not in start
