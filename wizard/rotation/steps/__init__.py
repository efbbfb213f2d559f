"""The five steps. Each reads what it needs from the journal, so that resuming is just going on."""
