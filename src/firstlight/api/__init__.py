"""The public verbs: the only place that wires the rooms together.

Imported late: what a verb needs (torch, Keras, matplotlib) is loaded when it runs.
"""

from firstlight.api.converting import convert
from firstlight.api.ejecting import eject
from firstlight.api.exporting import export
from firstlight.api.finding_rate import lr
from firstlight.api.fitting import fit
from firstlight.api.judging import compare, evaluate, predict
from firstlight.api.looking import check, doctor, explore, list_models, load
from firstlight.api.looking_inside import inside, look
from firstlight.api.run import Run
from firstlight.api.simulating import simulate
from firstlight.api.training import resume, train

__all__ = [
    "Run",
    "check",
    "compare",
    "convert",
    "doctor",
    "eject",
    "evaluate",
    "explore",
    "export",
    "fit",
    "inside",
    "list_models",
    "load",
    "look",
    "lr",
    "predict",
    "resume",
    "simulate",
    "train",
]
