"""Inference only: ONNX Runtime sessions, pre- and post-processing, the model registry."""
