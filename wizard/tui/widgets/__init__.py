"""Widgets that more than one screen uses; each carries its own style."""
