"""firstlight: from a pile of images to a trained network that you can trust and see into.

    import firstlight as fl

    data = fl.load("mnist")
    run = fl.train(data)
    run.report

Every verb is documented in `firstlight.api`; what they need is loaded when they run.
"""

from __future__ import annotations

from firstlight.core.on_demand import on_demand

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

__getattr__, __dir__ = on_demand(__name__, dict.fromkeys(__all__, "api"))
