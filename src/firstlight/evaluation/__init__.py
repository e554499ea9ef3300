"""The evaluation room: what a network answered and what is true -> numbers with their trust.

It knows predictions and targets only, so it judges any model, also one that firstlight did
not train. NumPy is all it needs.
"""

from firstlight.evaluation.compare import compare
from firstlight.evaluation.documents import report_arrays, report_from_dict, report_to_dict
from firstlight.evaluation.ensembles import combined
from firstlight.evaluation.evaluate import evaluate
from firstlight.evaluation.files import load_report, save_report
from firstlight.evaluation.intervals import wilson_interval

__all__ = [
    "combined",
    "compare",
    "evaluate",
    "load_report",
    "report_arrays",
    "report_from_dict",
    "report_to_dict",
    "save_report",
    "wilson_interval",
]
