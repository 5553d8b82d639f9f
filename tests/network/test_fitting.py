import numpy as np
import pytest

from spinetk.network.fitting import fit_slice, scale_to_fit
from spinetk.network.registry import Model


def test_boxes_map_back_to_the_slice_at_any_size_and_spacing() -> None:
    for shape, spacing in (((480, 384), None), ((224, 224), None), ((200, 400), (2.0, 0.5))):
        given = fit_slice(np.random.default_rng(0).random(shape).astype(np.float32), spacing, 512)
        assert given.image.dtype == np.float32 and max(given.image.shape) == 512
        assert all(side % 32 == 0 for side in given.image.shape[2:])
        tall, wide = shape if spacing is None else (shape[0] * spacing[0], shape[1] * spacing[1])
        corner = np.array(
            [[0, 0, 512 * wide / max(tall, wide), 512 * tall / max(tall, wide)]], np.float32
        )
        np.testing.assert_allclose(
            given.fit.to_slice(corner), [[0, 0, shape[1], shape[0]]], rtol=1e-2
        )


def test_a_narrow_slice_is_padded_no_further_than_the_stride() -> None:
    given = fit_slice(np.ones((1024, 430), np.float32), None, 768)
    assert given.image.shape == (1, 1, 768, 352)


def test_a_small_crop_is_not_enlarged_beyond_what_the_network_knows() -> None:
    assert scale_to_fit((188, 292), (0.375, 0.375), 512)[1] * 292 == pytest.approx(274)  # 109.5 mm
    assert scale_to_fit((448, 384), (0.7, 0.7), 512)[0] * 448 == pytest.approx(512)
    assert scale_to_fit((188, 292), None, 512)[1] * 292 == pytest.approx(512)
    given = fit_slice(np.ones((188, 292), np.float32), (0.375, 0.375), 512)
    assert given.image.shape == (1, 1, 192, 288)


def test_each_modality_has_its_own_size(tmp_path: object) -> None:
    from pathlib import Path

    model = Model("m", Path("m.onnx"), "", ("a",), {"MR": 512, "XR": 768}, 0.5, None, {})
    assert model.input_side("XR") == 768
    assert model.input_side("CT") == model.input_side(None) == 512
