"""One module per command: each turns options into one call and one exit code."""
