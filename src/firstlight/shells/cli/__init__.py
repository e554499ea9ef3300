"""The command line: it parses, calls `firstlight.api` and shows what comes back."""
