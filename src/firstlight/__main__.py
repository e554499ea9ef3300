"""`python -m firstlight`: the command line."""

from firstlight.shells.cli.main import main

main()
