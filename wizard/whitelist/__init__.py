"""Parse, validate, fix and write address lists. Pure: no input, no output, no clock."""
