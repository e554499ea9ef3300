"""What a run's folder says about how its training went."""

from __future__ import annotations

from firstlight.core.diagnosing import diagnose
from firstlight.core.diagnosis import Course, Diagnosis, LayerUnits, course_of, epoch_scores
from firstlight.core.run_folder import RunFolder


def diagnosis(folder: RunFolder) -> tuple[Diagnosis, ...]:
    """What seems to be wrong with a run's training, the worst first."""
    return diagnose(_course(folder))


def _course(folder: RunFolder) -> Course:
    information, events = folder.information(), folder.events()
    metric = str(information["settings"]["metric"])
    epochs = tuple(epoch_scores(event, metric) for event in folder.epochs())
    first = next((event for event in events if event["kind"] == "step"), None)
    units = [event["layers"] for event in events if event["kind"] == "units"]
    return course_of(
        information,
        epochs,
        # The first step's loss is from before it; later ones are means over several.
        beginning=first["loss"] if first is not None and first["step"] == 1 else None,
        units=tuple(LayerUnits(**layer) for layer in units[-1]) if units else (),
    )
