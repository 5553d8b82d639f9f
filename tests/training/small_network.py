import numpy as np

from spinetk.training.network import SpineRCNN


def weights(network: SpineRCNN) -> np.ndarray:
    return np.concatenate([p.detach().numpy().ravel() for p in network.parameters()])
