"""OpenBao: a real server with TLS, raft files and the policy of docs/openbao.md; what it refuses has a code each."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

import pytest

from tests.canaries import Canaries, files
from tests.custody.bao import Bao, free_port
from tests.custody.contract import SERVICE, StoreContract
from tests.custody.keys import ed25519_pair, hmac
from tests.custody.refusals import refused
from tests.tiers import slow
from wizard.core.secret import Secret
from wizard.core.settings import Custody, OpenBao, Place
from wizard.custody.custodian import Custodian
from wizard.custody.errors import CustodyError
from wizard.custody.openbao import CREDENTIAL, OpenBaoStore
from wizard.custody.records import Holding, KeyRecord, Slot
from wizard.custody.store import delete_confirmed, try_out, write_confirmed
from wizard.custody.vault import Vault

KILLED_WRITES = int(os.environ.get("KEY_WIZARD_KILLED_WRITES", "8"))
"""How many changes the server is killed in; the long form is 200."""
CHANGING = 0.02
"""Seconds that storing or deleting a key takes, about."""
Result = TypeVar("Result")
Vaults = Callable[..., Vault]


@pytest.fixture(scope="module")
def token(bao: Bao) -> str:
    return bao.token()


@pytest.fixture
def store(bao: Bao, token: str) -> OpenBaoStore:
    return bao.store(token)


class TestOpenBao(StoreContract):
    can_replace = False


# --- several hosts --------------------------------------------------------------------------------


class LateStore(OpenBaoStore):
    """Another host stores under the name after this one has seen that it is free."""

    first: OpenBaoStore

    async def write(self, name: str, value: Secret) -> None:
        if self.first:
            first, self.first = self.first, None
            await first.write(name, Secret("theirs"))
        await super().write(name, value)


@pytest.mark.parametrize("login", ["policy", "root"])
async def test_a_name_that_another_host_took_in_between_is_left_to_it(
    bao: Bao, token: str, vaults: Vaults, login: str
) -> None:
    # The policy refuses it before versions are compared; root is refused because of the version.
    mine = bao.store(token if login == "policy" else bao.root_token)
    mine.__class__, mine.first = LateStore, bao.store(token)
    vault = vaults(mine, f"late-{login}")
    record = await vault.put(hmac(), Slot.PENDING)
    taken = record.item.removesuffix(".2")
    assert taken != record.item
    assert await mine.read(taken) == Secret("theirs")
    await vault.purge(record, "a test")
    assert await mine.names(f"key-wizard:late-{login}:") == (taken,)


async def test_hosts_that_store_the_same_key_at_once_get_an_item_each(bao: Bao, token: str, vaults: Vaults) -> None:
    hosts = [vaults(bao.store(token), "crowd", f"host-{number}") for number in range(4)]
    records = await asyncio.gather(*(host.put(hmac(signing=f"{n}" * 64), Slot.PENDING) for n, host in enumerate(hosts)))
    assert len({record.item for record in records}) == 4
    for number, (host, record) in enumerate(zip(hosts, records, strict=True)):
        assert await host.fetch(record) == hmac(signing=f"{number}" * 64)
        await host.purge(record, "a test")
    assert bao.held("key-wizard/crowd/") == []


# --- what is deleted ------------------------------------------------------------------------------


async def test_a_purged_key_leaves_neither_version_nor_path(bao: Bao, store: OpenBaoStore, vaults: Vaults) -> None:
    vault = vaults(store, "purged")
    record = await vault.put(hmac(), Slot.PENDING)
    assert bao.held("key-wizard/purged/") == [f"key-wizard/purged/{hmac().name.fingerprint}"]
    await vault.purge(record, "a test")
    assert bao.held("key-wizard/purged/") == []


async def test_a_version_that_somebody_deleted_counts_as_held_until_it_is_destroyed(
    bao: Bao, store: OpenBaoStore, vaults: Vaults
) -> None:
    vault, root = vaults(store, "soft"), bao.root.secrets.kv.v2
    record = await vault.put(hmac(), Slot.PENDING)
    path = f"key-wizard/soft/{hmac().name.fingerprint}"
    root.delete_latest_version_of_secret(path, mount_point="secret")
    assert await store.read(record.item) == Secret()
    assert await vault.missing() == ()
    with refused("occupied"):
        await write_confirmed(store, record.item, Secret("x"))
    root.undelete_secret_versions(path, [1], mount_point="secret")
    assert await vault.fetch(record) == hmac()
    root.delete_latest_version_of_secret(path, mount_point="secret")
    unable = bao.store(bao.token('path "secret/data/key-wizard/*" { capabilities = ["read"] }'))
    with refused("permission"):
        await delete_confirmed(unable, record.item)
    await vault.purge(record, "a test")
    assert bao.held("key-wizard/soft/") == []


async def test_an_item_of_another_program_is_neither_used_nor_deleted(
    bao: Bao, store: OpenBaoStore, vaults: Vaults
) -> None:
    vault = vaults(store, "foreign")
    path = f"key-wizard/foreign/{hmac().name.fingerprint}"
    bao.root.secrets.kv.v2.create_or_update_secret(path, {"user": "x"}, mount_point="secret")
    record = await vault.put(hmac(), Slot.PENDING)
    assert record.item.endswith(".2")
    assert len(await vault.unknown_items()) == 1
    await vault.purge(record, "a test")
    assert bao.held("key-wizard/foreign/") == [path]


async def test_a_mount_that_forgets_what_it_holds_is_refused_and_left_empty(bao: Bao) -> None:
    root = bao.root
    root.sys.enable_secrets_engine("kv", path="short", options={"version": "2"})
    root.secrets.kv.v2.configure(delete_version_after="1h", mount_point="short")
    with refused("kept-for-a-time") as caught:
        await try_out(bao.store(bao.root_token, mount="short"))
    assert "bao write short/config delete_version_after=0s" in caught.value.advice


# --- each refusal has a code ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"mount": "nope"}, "mount-missing"),
        ({"namespace": "nope"}, "mount-missing"),
        ({"mount": "old"}, "kv-version"),
        ({"mount": "sys"}, "kv-version"),
        ({"ca_file": ""}, "tls"),
        ({"ca_file": "/nonexistent.pem"}, "ca-file"),
        ({"url": "https://127.0.0.1:1"}, "unreachable"),
    ],
)
async def test_a_place_that_cannot_be_used_says_why(bao: Bao, settings: dict[str, str], code: str) -> None:
    with refused(code) as caught:
        await bao.store(bao.root_token, **settings).expect_usable()
    assert all(caught.value.sentences())


@pytest.mark.parametrize(
    ("capability", "kind", "work"),
    [
        ("create", "data", lambda store: store.write(SERVICE, Secret("x"))),
        ("read", "data", lambda store: store.read(SERVICE)),
        ("delete", "metadata", lambda store: store.delete(SERVICE)),
        ("list", "metadata", lambda store: store.names("key-wizard:test:")),
    ],
)
async def test_a_capability_that_the_policy_lacks_is_named_with_its_path(
    bao: Bao, capability: str, kind: str, work: Callable[[OpenBaoStore], Awaitable[object]]
) -> None:
    others = {"data": {"create", "read"}, "metadata": {"list", "delete"}}
    others[kind].discard(capability)
    rules = "\n".join(
        f'path "secret/{each}/key-wizard/*" {{ capabilities = {json.dumps(sorted(allowed))} }}'
        for each, allowed in others.items()
    )
    limited = bao.store(bao.token(rules))
    await limited.expect_usable()
    with refused("permission") as caught:
        await work(limited)
    assert f"{capability} secret/{kind}/key-wizard/test" in caught.value.what
    assert f"secret/{kind}/key-wizard/*" in caught.value.advice


async def test_an_expired_token_is_told_from_a_policy(bao: Bao) -> None:
    token = bao.token()
    store = bao.store(token)
    await store.expect_usable()
    bao.root.auth.token.revoke(token)
    for attempt in (store.expect_usable(), store.read(SERVICE), store.write(SERVICE, Secret("x"))):
        with refused("token-refused"):
            await attempt


async def test_a_sealed_server_is_called_so(bao: Bao, store: OpenBaoStore) -> None:
    bao.root.sys.seal()
    try:
        with refused("sealed", match="is sealed"):
            await store.read(SERVICE)
    finally:
        bao.unseal()


async def test_a_server_that_hangs_is_left_at_the_deadline(bao: Bao, token: str) -> None:
    hasty = bao.store(token, deadline=0.3)
    await hasty.expect_usable()
    assert bao.process is not None
    bao.process.send_signal(signal.SIGSTOP)
    try:
        with refused("timeout", match=r"0\.3 s"):
            await hasty.read(SERVICE)
    finally:
        bao.process.send_signal(signal.SIGCONT)


class Way:
    """A way to the server that swallows the next answer and ends the connection, once it is cut."""

    def __init__(self, bao: Bao) -> None:
        self.is_cut = False
        self.url = ""
        self.open: list[asyncio.StreamWriter] = []
        self._port = int(bao.url.rsplit(":", 1)[1])

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._port)
        self.open += writer, back

        async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter, *, is_answer: bool) -> None:
            while data := await source.read(65536):
                if self.is_cut and is_answer:
                    self.is_cut = False
                    break
                target.write(data)
            writer.close()
            back.close()

        await asyncio.gather(copy(reader, back, is_answer=False), copy(there, writer, is_answer=True))


@asynccontextmanager
async def way_to(bao: Bao) -> AsyncIterator[Way]:
    way = Way(bao)
    server = await asyncio.start_server(way.serve, "127.0.0.1", 0)
    way.url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield way
    server.close()
    for each in way.open:
        each.close()
    for each in way.open:
        with suppress(ConnectionError):
            await each.wait_closed()


async def test_a_change_whose_answer_is_lost_is_settled_by_reading(bao: Bao, token: str) -> None:
    async with way_to(bao) as way:
        store = bao.store(token, url=way.url)
        await store.expect_usable()
        way.is_cut = True
        with refused("lost"):
            await store.write(SERVICE, Secret("kept"))
        assert await store.read(SERVICE) == Secret("kept")
        way.is_cut = True
        await delete_confirmed(store, SERVICE)
        way.is_cut = True
        await write_confirmed(store, SERVICE, Secret("again"))
        await store.delete(SERVICE)
        store._session.close()


async def answering(reply: bytes) -> tuple[asyncio.Server, str, list[bytes]]:
    """A server that is no OpenBao."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 " + reply.replace(b"\n", b"\r\n"))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", seen


@pytest.mark.parametrize("status", ["302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
async def test_no_redirect_carries_the_token_elsewhere(bao: Bao, status: str) -> None:
    other, address, seen = await answering(b"200 OK\nContent-Length: 0\n\n")
    first, url, _ = await answering(f"{status}\nLocation: {address}/v1/x\nContent-Length: 0\n\n".encode())
    async with other, first:
        with refused("redirected"):
            await bao.store(url=url).expect_usable()
        with refused("redirected"):
            await bao.store(url=url).write(SERVICE, Secret("x"))
    assert seen == []


@pytest.mark.parametrize(
    "reply",
    [
        b"200 OK\nContent-Length: 2\n\nhi",
        b"200 OK\nContent-Type: application/json\nContent-Length: 2\n\n[]",
        b"200 OK\nContent-Type: application/json\nContent-Length: 2\n\n{}",
        b"200 OK\nContent-Length: 9\n\nhi",
        b"404 Not Found\nContent-Length: 2\n\nhi",
        b"429 Too Many Requests\nContent-Length: 0\n\n",
        b"500 Internal Server Error\nContent-Type: application/json\nContent-Length: 2\n\n{}",
        b"502 Bad Gateway\nContent-Length: 0\n\n",
        b"nonsense\n\n",
        b"200 OK\nContent-Type: application/json\nContent-Length: 53\n\n"
        b'{"data":{"type":"the-token","keys":[1],"data":["x"]}}',
    ],
)
async def test_what_is_no_openbao_is_never_taken_for_an_empty_one(bao: Bao, reply: bytes) -> None:
    server, url, _ = await answering(reply)
    async with server:
        for work in (
            lambda store: store.expect_usable(),
            lambda store: store.read(SERVICE),
            lambda store: store.write(SERVICE, Secret("x")),
            lambda store: store.names(SERVICE),
        ):
            with pytest.raises(CustodyError) as caught:
                await work(bao.store("the-token", url=url))
            assert caught.value.code in {"failed", "mount-missing", "kv-version", "lost"}
            assert "the-token" not in " ".join(caught.value.sentences())


# --- logins ---------------------------------------------------------------------------------------


def opened(bao: Bao, environ: dict[str, str], **settings: str) -> OpenBaoStore:
    chosen = OpenBao(**{"url": bao.url, "ca_file": str(bao.ca_file), **settings})
    return OpenBaoStore(chosen, 20, environ)


async def test_a_token_comes_from_the_variables_else_from_a_private_file(bao: Bao, token: str, tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    with refused("token-missing"):
        await opened(bao, home).expect_usable()
    await opened(bao, {**home, "VAULT_TOKEN": token}).expect_usable()
    with refused("token-refused"):
        await opened(bao, {**home, "VAULT_TOKEN": token, "BAO_TOKEN": "other"}).expect_usable()
    for name in (".vault-token", ".bao-token"):
        file = tmp_path / name
        file.write_text(f"{token}\n")
        file.chmod(0o640)
        with refused("token-exposed") as caught:
            await opened(bao, home).expect_usable()
        assert f"chmod 600 {file}" in caught.value.advice
        file.chmod(0o600)
        await opened(bao, home).expect_usable()
        file.unlink()
    for text in ("", "two words", "naïve", "a\nX-Evil: b"):
        with refused("token-missing"):
            await opened(bao, {**home, "BAO_TOKEN": text}).expect_usable()


async def test_a_service_logs_in_by_approle_again_when_its_token_expires(bao: Bao, tmp_path: Path) -> None:
    role = bao.root.auth.approle
    role_id = role.read_role_id("wizard")["data"]["role_id"]
    file = tmp_path / CREDENTIAL
    file.write_text(role.generate_secret_id("wizard")["data"]["secret_id"])
    file.chmod(0o440)  # as systemd leaves it
    store = opened(bao, {"CREDENTIALS_DIRECTORY": str(tmp_path), "BAO_TOKEN": "ignored"}, role_id=role_id)
    await store.expect_usable()
    bao.root.auth.token.revoke(store._client.token)
    await store.write(SERVICE, Secret("x"))
    await store.delete(SERVICE)
    with refused("token-exposed"):
        await opened(bao, {}, role_id=role_id, secret_id_file=str(file)).expect_usable()
    file.chmod(0o600)
    await opened(bao, {}, role_id=role_id, secret_id_file=str(file)).expect_usable()
    for settings in ({"auth_mount": "nope"}, {"role_id": "wrong"}):
        with refused("login-refused"):
            await opened(bao, {}, **{"role_id": role_id, "secret_id_file": str(file), **settings}).expect_usable()
    file.unlink()
    with refused("token-missing"):
        await opened(bao, {}, role_id=role_id, secret_id_file=str(file)).expect_usable()


async def test_no_variable_of_the_http_library_leads_it_elsewhere(
    bao: Bao, token: str, monkeypatch: pytest.MonkeyPatch, clean_environment: Path
) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "VAULT_ADDR"):
        monkeypatch.setenv(name, nowhere)
    monkeypatch.setenv("VAULT_SKIP_VERIFY", "1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bao.ca_file))
    (clean_environment / ".netrc").write_text("machine 127.0.0.1 login x password y\n")
    await bao.store(token).expect_usable()
    with refused("tls"):
        await bao.store(token, ca_file="").expect_usable()


# --- secrets --------------------------------------------------------------------------------------


async def test_no_secret_is_in_the_audit_log_a_log_an_error_or_a_file(
    bao: Bao, vaults: Vaults, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    token, credentials = bao.token(), ed25519_pair()
    caplog.set_level(logging.DEBUG)
    store = bao.store(token)
    vault = vaults(store, "searched")
    record = await vault.put(credentials, Slot.PENDING)
    assert await vault.fetch(record) == credentials
    with pytest.raises(CustodyError) as caught:
        await store.write(record.item, Secret("another-value-of-the-test"))
    await vault.purge(record, "a test")
    secrets = [token, credentials.api_key.reveal(), credentials.signing.reveal(), "another-value-of-the-test"]
    canaries = Canaries(dict(zip(secrets, secrets, strict=True)))
    assert any("hmac-sha256" in json.dumps(line["request"].get("data")) for line in bao.audited())
    assert bao.directory / "audit.log" in files(bao.directory)
    error, shown = caught.value, []
    while error is not None:
        shown.append(repr(error.args))
        error = error.__cause__
    assert canaries.found(" ".join([*shown, caplog.text, repr(store)])) == []
    assert canaries.in_files(bao.directory, tmp_path) == {}
    assert not [record for record in caplog.records if record.name.startswith(("urllib3", "requests", "hvac"))]


async def test_a_missing_extra_names_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delitem(sys.modules, "wizard.custody.openbao")
    monkeypatch.setitem(sys.modules, "hvac", None)
    custody = Custody(Place.OPENBAO, 10, OpenBao("https://127.0.0.1:1"))
    with refused("extra-missing") as caught:
        await Custodian(custody, tmp_path / "vault", tmp_path / "config.toml", {}).open()
    assert "\npip install 'key-wizard[openbao]'" in caught.value.advice


# --- a server that is killed ----------------------------------------------------------------------


@pytest.fixture
def own_bao(tmp_path: Path) -> Iterator[Bao]:
    server = Bao(tmp_path)
    yield server
    server.kill()


@pytest.mark.parametrize("killed", slow(KILLED_WRITES))
async def test_after_a_kill_within_any_change_nothing_is_lost_and_nothing_left(
    own_bao: Bao, vaults: Vaults, killed: int
) -> None:
    vault = vaults(own_bao.store(), "crash")
    current = await vault.put(hmac(api_key="c" * 64), Slot.CURRENT)
    outcomes = set()
    for attempt in range(killed):
        new = hmac(api_key=f"{attempt:064}", signing="s" * 64)
        after = attempt % 20 * CHANGING / min(killed, 20)
        record = await killed_in(own_bao, vault.put(new, Slot.PENDING), after)
        outcomes.add(("put", record is not None))
        await vault.recover()
        held = [one for one in vault.journal.keys("crash") if one.holding is Holding.STORED and one != current]
        assert await vault.missing() == ()
        assert await vault.fetch(current) == hmac(api_key="c" * 64)
        stored = next((one for one in held if one.name == new.name), None) or await vault.put(new, Slot.PENDING)
        assert await vault.fetch(stored) == new
        assert await vault.unknown_items() == ()
        purged = await killed_in(own_bao, purge(vault, stored), after)
        outcomes.add(("purge", purged is not None))
        await vault.recover()
        kept = [one.item.rsplit(":", 1)[1] for one in vault.journal.keys("crash") if one.holding is Holding.STORED]
        assert own_bao.held() == [f"key-wizard/crash/{name}" for name in sorted(kept)]
        assert kept == [current.item.rsplit(":", 1)[1]]
    print(f"{killed} changes of each kind: {sorted(outcomes)}")


async def purge(vault: Vault, record: KeyRecord) -> bool:
    await vault.purge(record, "a test")
    return True


async def killed_in(bao: Bao, change: Awaitable[Result], after: float) -> Result | None:
    """Begin a change, kill the server after some seconds, start it again; return what it came to."""
    task = asyncio.ensure_future(change)
    await asyncio.sleep(after)
    bao.kill()
    try:
        return await task
    except CustodyError:
        return None
    finally:
        await asyncio.to_thread(bao.start)
