"""A new member's way: an empty home, the team's file and the README's commands, and at its end a proven key."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import httpx
import pytest

from tests.commands.conftest import HERE, SHAPES
from tests.secret_service import secret_service
from tests.terminal.harness import Terminal, leaked
from tests.terminal.keys import ENTER
from wizard.core import settings
from wizard.egress.services import load_services
from wizard.rehearsal.process import running_exchange

pytestmark = [pytest.mark.terminal, pytest.mark.keyring]
