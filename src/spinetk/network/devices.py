"""What a network is run on: the processor, or what else the user's build of ONNX Runtime knows."""

from __future__ import annotations

import onnxruntime

from spinetk.errors import UsageError

CPU = "cpu"
PROVIDERS = {
    CPU: "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
}
"""ONNX Runtime's names of them."""
PACKAGES = {
    "cuda": "onnxruntime-gpu",
    "openvino": "onnxruntime-openvino",
    "coreml": "onnxruntime on macOS",
    "directml": "onnxruntime-directml",
}


def providers_of(device: str) -> list[str]:
    """What ONNX Runtime is to be asked for, the best first: what a device cannot do, the processor
    does.

    Raises:
        UsageError: the build that is installed does not know the device.
    """
    wanted = PROVIDERS[device]
    if wanted not in onnxruntime.get_available_providers():
        text = f"this build of ONNX Runtime has no {wanted}; {PACKAGES[device]} has, in its place"
        raise UsageError(text, f"--device {device}")
    return list(dict.fromkeys((wanted, PROVIDERS[CPU])))
