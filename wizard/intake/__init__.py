"""Keys that come from outside: pasted, from a file, from another program's configuration. Nothing is written."""
