"""Train networks; needs the `train` extra (torch, torchvision)."""
