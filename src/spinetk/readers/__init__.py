"""Read any supported input into a `Study`."""

from spinetk.readers.study import read

__all__ = ["read"]
