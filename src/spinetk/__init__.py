"""SpineTK: vertebral bodies and intervertebral discs, found, outlined and measured."""

__version__ = "0.1.0"
