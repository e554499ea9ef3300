"""The verbs that look at data and make them: each parses, calls `firstlight.api`, hands over.

`firstlight.api` and the screens are imported inside the verbs, so that `--help` and tab
completion wait for neither NumPy nor Rich.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from firstlight.shells.cli.answer import Answer
from firstlight.shells.cli.application import READING, SEED, SIMULATING, Data, Save, app
from firstlight.shells.cli.options import verb


@verb(
    app,
    READING,
    SEED,
    examples=(
        "firstlight explore mnist",
        "firstlight explore photos/ --save look",
    ),
)
def explore(data: Data, save: Save = None, **settings: Any) -> Answer:
    """Look at data: shapes, values, labels, duplicates, bad files."""
    from firstlight import api
    from firstlight.shells.cli.show_data import show_exploration

    exploration = api.explore(data, save=save, **settings)
    return Answer(exploration.to_dict(), lambda screen: show_exploration(screen, exploration, save))


@verb(
    app,
    SIMULATING,
    examples=(
        "firstlight simulate reionisation",
        "firstlight simulate reionisation --preset hard --boxes 200",
    ),
)
def simulate(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="reionisation")],
    **settings: Any,
) -> Answer:
    """Simulate maps to measure on: hydrogen in the early universe.

    All cores work; what was finished before it was stopped stays.
    """
    from firstlight import api
    from firstlight.shells.cli.progress import training_progress
    from firstlight.shells.cli.show_data import show_simulation
    from firstlight.shells.cli.terminal import make_console

    with training_progress(make_console()) as progress:
        folder = api.simulate(what, progress=progress, **settings)
    own = what if "out" not in settings else str(folder)
    return Answer({"folder": folder}, lambda screen: show_simulation(screen, folder, own))


@verb(
    app,
    examples=("firstlight convert maps.pkl maps.npz --trust-pickle",),
)
def convert(
    file: Annotated[str, typer.Argument(metavar="FILE", help="a pickled pandas table (.pkl)")],
    output: Annotated[str, typer.Argument(metavar="OUTPUT", help="the .npz file to write")],
    trust_pickle: Annotated[
        bool,
        typer.Option("--trust-pickle", help="say that you trust whoever wrote the pickle"),
    ] = False,
) -> Answer:
    """Make arrays of a pickled table, which is not read as DATA.

    Nothing that the pickle names is run: it is taken apart as pandas and NumPy lay it out.
    """
    from firstlight import api
    from firstlight.shells.cli.show_conversion import show_conversion

    conversion = api.convert(file, output, trust_pickle=trust_pickle)
    return Answer(conversion, lambda screen: show_conversion(screen, conversion))
