"""An analytic spine with exact ground truth. It serves the demo and the tests; it looks like a
spine to a network, but it is no evidence of accuracy."""

from spinetk.phantom.dicom_files import write_phantom
from spinetk.phantom.image import Look, Phantom, PhantomConfig, make_phantom
from spinetk.phantom.spine import PhantomSpine

__all__ = ["Look", "Phantom", "PhantomConfig", "PhantomSpine", "make_phantom", "write_phantom"]
