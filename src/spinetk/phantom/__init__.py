"""An analytic spine with exact ground truth. It serves the demo and the tests; it looks like a
spine to a network, but it is no evidence of accuracy."""

from spinetk.phantom.anatomy import PhantomSpine
from spinetk.phantom.image import Look, Phantom, PhantomConfig, make_phantom
from spinetk.phantom.write import write_phantom

__all__ = ["Look", "Phantom", "PhantomConfig", "PhantomSpine", "make_phantom", "write_phantom"]
