"""All verbs of the command line, in the order in which `firstlight --help` lists them."""

from firstlight.shells.cli import (  # noqa: F401 - importing a module registers its verbs
    data_verbs,
    delivery_verbs,
    lab_verbs,
    network_verbs,
    run_verbs,
)
from firstlight.shells.cli.application import app

__all__ = ["app"]
