"""The lab: firstlight in the browser. A thin server over `firstlight.api` and the run folder."""
