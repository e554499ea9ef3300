"""`firstlight.fit`: a compiled Keras model trained by the engine, with all that was compiled in.

Data, metrics and callbacks stay Keras's own objects, called at the moments at which Keras's `fit`
calls them; network, losses, optimizer and loop are the engine's.
"""

from firstlight.training.fitting.data import fit_data
from firstlight.training.fitting.fitting import Fitting

__all__ = ["Fitting", "fit_data"]
