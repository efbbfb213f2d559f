"""Run as a program, by whichever user: the five conditions of a real keyring, one line of JSON for each."""

from __future__ import annotations

import asyncio
import json
import time
from typing import get_args

from tests.secret_service import PASSWORD, Mode, secret_service
from wizard.custody.canary import canary
from wizard.custody.errors import CustodyError, KeyringUnusable, Remedy, WrongPassword
from wizard.custody.opening import open_keyring, unlock_keyring
from wizard.secret import Secret


async def tell(mode: str, environ: dict[str, str]) -> dict[str, object]:
    begun = time.monotonic()
    try:
        said: dict[str, object] = {"label": (await open_keyring(environ=environ)).label}
    except KeyringUnusable as error:
        said = {"state": error.state, "what": error.what, "advice": error.advice, "remedy": error.remedy}
    said = {"mode": mode, "seconds": time.monotonic() - begun, **said}
    if remedy := said.get("remedy"):
        said["opened"] = await opened(Remedy(str(remedy)), environ)
    return said


async def opened(remedy: Remedy, environ: dict[str, str]) -> bool:
    """Open it by three wrong passwords and the right one."""
    for _ in range(3 if remedy is Remedy.UNLOCK else 0):
        try:
            await unlock_keyring(Secret("wrong"), remedy, environ=environ)
        except WrongPassword:
            continue
        return False
    try:
        await unlock_keyring(Secret(PASSWORD), remedy, environ=environ)
        await canary(await open_keyring(environ=environ))
    except CustodyError:
        return False
    return True


def main() -> None:
    for mode in get_args(Mode):
        with secret_service(mode) as environ:
            print(json.dumps(asyncio.run(tell(mode, environ))), flush=True)


if __name__ == "__main__":
    main()
