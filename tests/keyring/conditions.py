"""Run as a program, by whichever user: what the doctor says of a real keyring in each condition, as lines of JSON."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import get_args

from tests.secret_service import PASSWORD, Mode, secret_service
from wizard.core.secret import Secret
from wizard.custody.errors import CustodyError, Remedy
from wizard.custody.keyring import open_keyring, unlock_keyring
from wizard.custody.store import try_out


async def tell(mode: str, environ: dict[str, str]) -> dict[str, object]:
    begun = time.monotonic()
    doctor = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "wizard", "doctor", "--only", "keyring", "--json"),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **environ, "KEY_WIZARD_HOME": environ["HOME"]},
    )
    output, _ = await doctor.communicate()
    check, *_ = json.loads(output)["checks"]
    said = {"mode": mode, "seconds": time.monotonic() - begun, "code": doctor.returncode, **check}
    has_remedy = check["state"] in {"locked", "no-collection"}
    remedy = await remedy_of(environ) if has_remedy else Remedy.NONE
    return {**said, "remedy": remedy, "opened": bool(remedy) and await opened(remedy, environ)}


async def remedy_of(environ: dict[str, str]) -> Remedy:
    try:
        await open_keyring(environ=environ)
    except CustodyError as error:
        return error.remedy
    return Remedy.NONE


async def opened(remedy: Remedy, environ: dict[str, str]) -> bool:
    """Open it by three wrong passwords and the right one."""
    for _ in range(3 if remedy is Remedy.UNLOCK else 0):
        try:
            await unlock_keyring(Secret("wrong"), remedy, environ=environ)
        except CustodyError:
            continue
        return False
    try:
        await unlock_keyring(Secret(PASSWORD), remedy, environ=environ)
        await try_out(await open_keyring(environ=environ))
    except CustodyError:
        return False
    return True


def main() -> None:
    with ThreadPoolExecutor(2) as at_once:
        for said in at_once.map(look, get_args(Mode)):
            print(json.dumps(said), flush=True)


def look(mode: Mode) -> dict[str, object]:
    with secret_service(mode) as environ:
        return asyncio.run(tell(mode, environ))


if __name__ == "__main__":
    main()
