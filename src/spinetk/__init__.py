"""SpineTK: vertebral bodies and intervertebral discs, found, outlined and measured."""

import os

__version__ = "0.1.0"

# ONNX Runtime would send usage events to its maker; nothing leaves this computer. It reads this
# when it is loaded, so it is set before any of our modules can load it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
