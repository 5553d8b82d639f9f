"""SpineTK: vertebral bodies and intervertebral discs, found, outlined and measured."""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spinetk.one_call import segment as segment

__version__ = "0.1.0"

# ONNX Runtime would send usage events to its maker; nothing leaves this computer. It reads this
# when it is loaded, so it is set before any of our modules can load it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def __getattr__(name: str) -> Any:
    """`spinetk.segment`, loaded when it is first asked for: a command's help needs no network."""
    if name == "segment":
        from spinetk.one_call import segment

        return segment
    raise AttributeError(f"module 'spinetk' has no attribute {name!r}")
