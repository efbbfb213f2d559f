"""The flow of a rotation: steps with evidence, the journal, promotion and retirement."""
