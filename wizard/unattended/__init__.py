"""The unattended rehearsal: plays the user through the same flow, for demonstration and for tests."""

from wizard.unattended.mending import Mender
from wizard.unattended.played import PlayedStep
from wizard.unattended.player import Player

__all__ = ["Mender", "PlayedStep", "Player"]
