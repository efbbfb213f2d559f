"""Which backend would keyring use here, and who says so?

Invariant: a backend that is named in the environment or in the configuration file is not loaded
unless it is one of keyring's own, so asking runs no code of a stranger's choice.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keyring import core
from keyring.backend import KeyringBackend
from keyring.util import platform_

from wizard.custody.worker.failures import class_path, kind
from wizard.custody.worker.protocol import BACKEND_VARIABLE, CHAINER, Code, Origin


def answer(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return the origin of the choice, where it is written, and the backends behind it in order of use."""
    origin, place, name = _named(environ)
    if name == CHAINER:  # names no store: the library's own order decides
        origin, place = Origin.PRIORITY, ""
    leaves = _leaves(name)
    return {"code": Code.OK, "origin": origin, "place": place, "leaves": leaves, "fault": _fault(name)}


def _named(environ: Mapping[str, str]) -> tuple[Origin, str, str | None]:
    """Return what was named and where, in keyring's own order (keyring.core._detect_backend)."""
    if BACKEND_VARIABLE in environ:
        return Origin.ENVIRONMENT, BACKEND_VARIABLE, environ[BACKEND_VARIABLE]
    file = Path(os.fspath(platform_.config_root())) / "keyringrc.cfg"
    parser = configparser.RawConfigParser()
    parser.read(file, encoding="utf-8")
    name = parser.get("backend", "default-keyring", fallback=None)
    return (Origin.CONFIG, str(file), name.strip()) if name is not None else (Origin.PRIORITY, "", None)


def _leaves(name: str | None) -> list[str]:
    if name is None:
        return _expanded(core.get_keyring())
    return _expanded(core.load_keyring(name)) if name == CHAINER else [name]


def _fault(name: str | None) -> str:
    """Return the error with which a named backend of keyring's own does not load here, else nothing."""
    if name is None or not name.startswith("keyring.backends."):
        return ""
    try:
        core.load_keyring(name)
    except Exception as error:
        return kind(error)
    return ""


def _expanded(ring: KeyringBackend) -> list[str]:
    if class_path(type(ring)) != CHAINER:
        return [class_path(type(ring))]
    return [class_path(type(leaf)) for leaf in ring.backends]  # type: ignore[attr-defined]
