"""The draw room: records -> figures and pages.

The only room that imports matplotlib, and so one to import late. Figures are
`matplotlib.figure.Figure` objects, made without pyplot; pages are single HTML files that load
nothing.
"""

from firstlight.draw.answers import confusion_figure, mistakes_figure, predicted_against_true
from firstlight.draw.comparison_page import comparison_page
from firstlight.draw.curves import comparison_figure, training_curves
from firstlight.draw.exploration import exploration_figures
from firstlight.draw.exploration_page import exploration_page
from firstlight.draw.rates import range_test_figure
from firstlight.draw.report_page import headline, report_figures, report_page
from firstlight.draw.style import to_png, to_pngs

__all__ = [
    "comparison_figure",
    "comparison_page",
    "confusion_figure",
    "exploration_figures",
    "exploration_page",
    "headline",
    "mistakes_figure",
    "predicted_against_true",
    "range_test_figure",
    "report_figures",
    "report_page",
    "to_png",
    "to_pngs",
    "training_curves",
]
