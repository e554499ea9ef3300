"""The shells: thin faces that parse, call `firstlight.api` and show what comes back."""
