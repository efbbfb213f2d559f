"""One screen per step, each with its style sheet beside it."""
