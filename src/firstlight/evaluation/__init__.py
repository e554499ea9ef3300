"""The evaluation room: what a network answered and what is true -> numbers with their trust.

It knows predictions and targets only, so it judges any model, also one that firstlight did
not train. It needs NumPy and SciPy, and scikit-learn for the forest that stands beside a network.
"""

from firstlight.evaluation.compare import compare
from firstlight.evaluation.confidence import Confidence, learn_confidence
from firstlight.evaluation.documents import report_arrays, report_from_dict, report_to_dict
from firstlight.evaluation.ensembles import combined
from firstlight.evaluation.evaluate import evaluate
from firstlight.evaluation.features import simple_features
from firstlight.evaluation.files import load_report, save_report
from firstlight.evaluation.folds import cross_validated
from firstlight.evaluation.intervals import wilson_interval
from firstlight.evaluation.trusting import with_trust

__all__ = [
    "Confidence",
    "combined",
    "compare",
    "cross_validated",
    "evaluate",
    "learn_confidence",
    "load_report",
    "report_arrays",
    "report_from_dict",
    "report_to_dict",
    "save_report",
    "simple_features",
    "wilson_interval",
    "with_trust",
]
