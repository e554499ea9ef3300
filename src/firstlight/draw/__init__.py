"""The draw room: records -> figures and pages.

The only room that imports matplotlib, and so one to import late. Figures are
`matplotlib.figure.Figure` objects, made without pyplot; pages are single HTML files that load
nothing.
"""

from firstlight.draw.answers import confusion_figure, mistakes_figure
from firstlight.draw.calibration import calibration_figure, reliability_figure
from firstlight.draw.comparison_page import comparison_page
from firstlight.draw.curves import comparison_figure, training_curves
from firstlight.draw.exploration import exploration_figures
from firstlight.draw.exploration_page import exploration_page
from firstlight.draw.look_page import look_figures, look_page
from firstlight.draw.rates import range_test_figure
from firstlight.draw.report_page import report_figures, report_page
from firstlight.draw.report_scores import headline
from firstlight.draw.residuals import residuals_figure
from firstlight.draw.style import to_png, to_pngs
from firstlight.draw.values import predicted_against_true

__all__ = [
    "calibration_figure",
    "comparison_figure",
    "comparison_page",
    "confusion_figure",
    "exploration_figures",
    "exploration_page",
    "headline",
    "look_figures",
    "look_page",
    "mistakes_figure",
    "predicted_against_true",
    "range_test_figure",
    "reliability_figure",
    "report_figures",
    "report_page",
    "residuals_figure",
    "to_png",
    "to_pngs",
    "training_curves",
]
