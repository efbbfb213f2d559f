"""`rotate` and `deliver` killed at every write to OpenBao and to a target: the next runs finish, and nothing is left.

All is real but the exchange and the length of the waits: the process, SIGKILL, OpenBao with the policies of the pages,
a program of the user as a target. The exchange stands in front of OpenBao too, and gives each host its own paths.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.commands.test_rotate_killed import Template, Victim, kind_of, paths
from tests.custody.bao import Bao
from tests.custody.bao import policy as page_policy
from tests.rotation.conftest import HERE
from tests.rotation.sub_account_lab import DAY, POLICY, lab
from tests.rotation.test_delivery import bao, policy
from tests.tiers import slow, whole
from wizard.core.targets import Target
from wizard.custody.records import Holding
from wizard.rehearsal.simulator import EmbeddedExchange
from wizard.rotation.delivery import CONFIRMED

__all__ = ["bao"]

SETTINGS = """\
[custody]
place = "openbao"
[custody.openbao]
url = "{url}"
[environments.bot-1.deliver.vault]
openbao = "secret/bots/binance"
[environments.bot-1.deliver.cloud]
command = ["{python}", "-IS", "{home}/cloud/program"]
""".replace("{python}", sys.executable)
PROGRAM = """\
import hashlib, json, pathlib, sys
given, kept = json.load(sys.stdin), pathlib.Path(__file__).parent / "kept"
if given["action"] == "write":
    kept.write_text(given["text"])
if given["action"] == "withdraw" and given["fingerprint"] in kept.read_text():
    kept.unlink()
print("holds", hashlib.sha256(kept.read_bytes()).hexdigest()[:32] if kept.exists() else "nothing")
"""
"""A target."""
TARGETS = (Target("vault", openbao="secret/bots/binance"), Target("cloud", command=(sys.executable,)))
"""As the journal knows them."""
DEAD = "0" * 12
"""The fingerprint of a key that is no more."""


@dataclass
class Exchange(EmbeddedExchange):
    """An exchange, and a way to OpenBao on which all that one host keeps has a directory of its own."""

    bao: Bao
    host: str
    client: httpx.AsyncClient

    def __post_init__(self) -> None:
        super().__init__(passes_after=0.0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith("/v1/"):
            await super().__call__(scope, receive, send)
            return
        method, path = scope["method"], scope["path"]
        request, parts = Request(scope, receive), path.split("/")
        if parts[2] == "secret":
            parts.insert(5, self.host)
        passed = {name: value for name, value in request.headers.items() if name.startswith(("x-", "content-type"))}
        url, body = self.bao.url + "/".join(parts), await request.body()
        answer = await self.client.request(method, url, content=body, headers=passed)
        await Response(answer.content, answer.status_code, {"content-type": "application/json"})(scope, receive, send)


@dataclass
class Delivering(Victim):
    """A host whose place is OpenBao, with two targets."""

    exchange: Exchange

    async def wrong(self, name: str = "bot-1", *, made: int = 1) -> list[str]:
        """Return what is wrong, also in OpenBao and at the targets."""
        found, bao, host = await super().wrong(name, made=made), self.exchange.bao, self.exchange.host
        records = [record for each in ("master", name) for record in self.journal.keys(each)]
        stored = sorted(one.item.replace(":", "/") for one in records if one.holding is Holding.STORED)
        items = [each.replace(f"/{host}/", "/") for each in bao.held(f"key-wizard/{host}/")]
        found += [f"in the place are {items}"] * (stored != sorted(items))
        current, kept, path = await self.current(name), bao.root.secrets.kv.v2, f"bots/{host}/binance"
        versions = kept.read_secret_metadata(path, mount_point="secret")["data"]["versions"]
        left = [number for number, one in versions.items() if not one["destroyed"]]
        found += [f"the path has the versions {left}"] * (left != [max(versions, key=int)])
        newest = kept.read_secret_version(path, mount_point="secret", raise_on_deleted_version=True)["data"]["data"]
        for each in (newest, json.loads((self.home / "cloud" / "kept").read_text())):
            is_current = current and each["api_key"] == current.api_key.reveal()
            found += [f"a target has {each['api_key'][-4:]}"] * (not is_current)
        return found


@dataclass
class DeliveringTemplate(Template):
    """A home whose place is OpenBao; each copy has what is held there, too."""

    bao: Bao = None  # type: ignore[assignment]
    client: httpx.AsyncClient = None  # type: ignore[assignment]
    token: str = ""

    def new_exchange(self, home: Path) -> EmbeddedExchange:
        kept = self.bao.root.secrets.kv.v2
        for path in [*self.bao.held("key-wizard/template/"), *self.bao.held("bots/template/")]:
            found = kept.read_secret_version(path, mount_point="secret", raise_on_deleted_version=True)
            copy = path.replace("/template/", f"/{home.name}/")
            kept.create_or_update_secret(copy, found["data"]["data"], mount_point="secret")
        return Exchange(self.bao, home.name, self.client)

    def open_store(self, home: Path) -> Any:
        return open_store(self.bao, home.name)

    def login(self, home: Path) -> dict[str, str]:
        return {"BAO_TOKEN": self.token, "TMPDIR": str(home / "tmp")}


def open_store(bao: Bao, host: str) -> Any:
    store = bao.store(path=f"key-wizard/{host}")
    store.backend = "openbao:secret/key-wizard"  # as the host itself calls it
    return store


@pytest.fixture
async def template(tmp_path: Path, bao: Bao, request: pytest.FixtureRequest) -> AsyncIterator[DeliveringTemplate]:
    path, command, kept = tmp_path / "template", request.param, bao.root.secrets.kv.v2
    paths(path).create()
    for name in ("tmp", "cloud"):
        (path / name).mkdir()
    (path / "cloud" / "program").write_text(PROGRAM)
    for each in (*bao.held("key-wizard/"), *bao.held("bots/")):
        kept.delete_metadata_and_all_versions(each, mount_point="secret")
    made, token = partial(Delivering, words=(command, "bot-1", "--json")), bao.token(page_policy() + policy())
    store, policy_ = open_store(bao, "template"), replace(POLICY, every=None)
    async with (
        httpx.AsyncClient(verify=False, trust_env=False) as client,
        lab(path, begins=time.time() - 80 * DAY, store=store, policy=policy_) as one,
    ):
        await one.begin(master=HERE)
        await one.run()  # the address at which the key worked is known from now on
        if command == "deliver":  # the targets have a key that is dead
            dead = {"written_by": "key-wizard", "fingerprint": DEAD, "api_key": "dead"}
            kept.create_or_update_secret("bots/template/binance", dead, mount_point="secret")
            (path / "cloud" / "kept").write_text(json.dumps(dead))
            async with one.flow() as flow:
                for target in TARGETS:
                    flow.deliveries._note(target, DEAD, CONFIRMED)
        one.close()
        yield DeliveringTemplate(tmp_path, one, kind=made, settings=SETTINGS, bao=bao, client=client, token=token)


def names(home: Path) -> set[str]:
    return {str(file.relative_to(home)) for file in home.rglob("*")}


async def kill_at_each(template: DeliveringTemplate, share: slice) -> None:
    """Kill at these places, then look at what is left where files are."""
    chosen = [one for one in await template.points() if kind_of(one) in {"place", "target"}][share]
    await template.kill_at_each(chosen)
    usual, hosts = names(template.path / "dry"), [template.path / str(number) for number in range(len(chosen))]
    assert not [file for host in hosts for file in names(host) - usual]


@pytest.mark.timeout(0)
@pytest.mark.parametrize("template", ["rotate"], indirect=True)
@pytest.mark.parametrize("share", [*slow(13), *whole(*range(13), *range(14, 18))])
async def test_a_rotation_is_killed_at_every_write(template: DeliveringTemplate, share: int) -> None:
    await kill_at_each(template, slice(share, None, 18))


@pytest.mark.timeout(0)
@pytest.mark.parametrize("template", ["deliver"], indirect=True)
@pytest.mark.parametrize("share", whole(0, 1))
async def test_a_delivery_is_killed_at_every_write(template: DeliveringTemplate, share: int) -> None:
    await kill_at_each(template, slice(share, None, 2))
