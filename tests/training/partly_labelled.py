"""An image of which one of two visible bodies is labelled."""

import numpy as np
import torch

SIDE = 128


def target(region: np.ndarray) -> dict[str, torch.Tensor]:
    """One labelled body at the top; a second one below is visible but not labelled."""
    mask = np.zeros((1, SIDE, SIDE), dtype=np.uint8)
    mask[0, 10:40, 50:90] = 1
    return {
        "boxes": torch.tensor([[50.0, 10.0, 90.0, 40.0]]),
        "labels": torch.tensor([1]),
        "masks": torch.from_numpy(mask),
        "unlabelled": torch.from_numpy(region.astype(np.uint8)) * 2,
    }
