"""OpenBao or HashiCorp Vault as a store: a mount of KV version 2, and one path for each item.

It needs the extra `openbao`: the custodian imports it when it opens this place. Invariants: an item is created, never
written over (`cas=0`), so to look whether a name is free and to take it is one act of the server, for all hosts. TLS is
verified. No error holds what a library or the server says: it may hold a token or a value.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import hvac
import requests
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest, VaultDown, VaultError

from wizard.core import files
from wizard.core.errors import FileError
from wizard.core.safety import silence_libraries
from wizard.core.secret import DIGITS, Secret
from wizard.core.settings import OTHERS, TOKEN_VARIABLES, OpenBao, Place, home
from wizard.core.threads import in_daemon_thread
from wizard.custody.errors import CustodyError, ItemOccupiedError
from wizard.custody.records import USER
from wizard.custody.store import PHRASES

CREDENTIAL: Final = "key-wizard-secret-id"
"""The systemd credential that holds the AppRole secret ID of a service."""
_DIRECTORY: Final = "CREDENTIALS_DIRECTORY"
_FILES: Final = (".bao-token", ".vault-token")
"""Below the home directory. `bao login` and `vault login` write the second one."""
_LOG_IN: Final = "Log in, then try again:\nbao login"
_CHECK: Final = "Check the server and the network. Then try again."
_MOVE: Final = "Choose another path, or move that away."
_OCCUPIED: Final = (
    *("occupied", "holds an item of this name already"),
    *("Another host stored it, or somebody deleted it and left its versions.", "Nothing was overwritten."),
)


_Take = Callable[[Any], Any]


class OpenBaoStore:
    """Secrets in OpenBao. Each operation has `deadline` seconds, with a new login where the token has expired.

    `write` creates: it raises `ItemOccupiedError` where the path has a version, also a deleted one.
    """

    place = PHRASES[Place.OPENBAO]
    by_hand = "with `bao kv`"
    durable = True
    doubt = ""

    def __init__(self, settings: OpenBao, deadline: float, environ: Mapping[str, str] = os.environ) -> None:
        self._settings, self._deadline, self._environ = settings, deadline, environ
        where = f"{settings.mount}/{settings.path}"
        # Without the address: a server that moves keeps what it holds.
        self.backend = ":".join(filter(None, ("openbao", settings.namespace, where)))
        self.label = f"{self.place} at {settings.url}, {where}"
        self.remark = f"in {self.place}, {where}"
        silence_libraries()
        self._session = session = requests.Session()
        session.trust_env = False  # no proxy, no ~/.netrc and no authorities that nobody chose for this
        session.verify = settings.ca_file or True
        # A standby may lag: it is to ask the active node for what it does not have yet.
        session.headers["X-Vault-Inconsistent"] = "forward-active-node"
        session.hooks["response"].append(lambda answer, **_: self._note(answer))
        # With a token, though empty: else hvac looks for one.
        self._client = hvac.Client(settings.url, "", session=session, allow_redirects=False)
        self._client.adapter.namespace = settings.namespace

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Hold nothing: the server lets one host take a name, and an item is deleted only by who stored it."""
        return nullcontext()

    async def expect_usable(self) -> None:
        """Return if the mount is one of KV version 2 that the login can see, or raise CustodyError."""
        kind = await self._call("see", "", take=_kind)
        if kind != "kv 2":
            # Nobody knows what answers here: it may repeat what it was sent.
            shown = kind if kind and re.fullmatch("[a-z]{1,20}( [0-9])?", kind) else "not known"
            what, why = f"has no KV version 2 at {self._settings.mount}", f"Its type is {shown}."
            advice = f"Choose another mount, or upgrade it:\nbao kv enable-versioning {self._settings.mount}"
            raise _refused("kv-version", what, why, advice)

    async def write(self, name: str, value: Secret) -> None:
        """Create the item, or raise ItemOccupiedError (see `Store.write`, and the class)."""
        body = {"options": {"cas": 0}, "data": {USER: value.reveal()}}
        try:
            ends = await self._call("create", f"data/{self._path(name)}", "post", body, itemgetter("deletion_time"))
        except CustodyError as error:
            # Where the policy lacks `update`, it refuses an item that is there before versions are compared.
            if error.code != "permission" or await self.read(name) is None:
                raise
            raise _refused(*_OCCUPIED) from None
        if ends:
            await self.delete(name)
            why = "The mount has a delete_version_after. Your key would vanish while it is in use."
            advice = f"Switch it off:\nbao write {self._settings.mount}/config delete_version_after=0s"
            raise _refused("kept-for-a-time", "deletes what it stores after a time", why, advice)

    async def read(self, name: str) -> Secret | None:
        """Return what is stored (see `Store.read`); an empty value where it was deleted and can be brought back."""
        found: Secret | None = await self._call("read", f"data/{self._path(name)}", take=_value)
        return found

    async def delete(self, name: str) -> None:
        """Destroy all versions, and the path (see `Store.delete`)."""
        await self._call("delete", f"metadata/{self._path(name)}", "delete")

    async def names(self, prefix: str) -> tuple[str, ...]:
        """Return what is held (see `Store.names`)."""
        head, _, start = prefix.rpartition(":")
        keys = await self._call("list", f"metadata/{self._path(head)}", "list", take=_keys) or ()
        return tuple(sorted(f"{head}:{key}" for key in keys if key.startswith(start)))

    def _path(self, name: str) -> str:
        return "/".join((self._settings.path, *name.split(":")[1:]))

    async def _call(
        self, capability: str, path: str, method: str = "get", body: object = None, take: _Take = lambda found: found
    ) -> Any:
        """Return what `take` finds in the answer, None where nothing is there; it needs this capability on this path.

        What `take` stumbles over is no answer of OpenBao's: that is a CustodyError too.
        """
        try:
            # A thread is left at the deadline, whatever the server or the network does.
            return await in_daemon_thread(lambda: self._ask(capability, path, method, body, take), self._deadline)
        except TimeoutError:
            raise _refused(*self._explain(requests.Timeout(), capability, path)) from None

    def _ask(self, capability: str, path: str, method: str, body: object, take: _Take) -> Any:
        try:
            if not self._client.token:
                self._log_in()
            try:
                found = self._request(path, method, body)
            except Forbidden:
                if not self._is_accepted():
                    self._log_in()  # as after hours in which the wizard was open
                    if not self._is_accepted():
                        why = "It expired, was revoked or belongs to another server."
                        raise _refused("token-refused", "does not accept the token", why, _LOG_IN) from None
                found = self._request(path, method, body)
            return None if found is None else take(found)
        # The last four: what answers is no OpenBao.
        except (VaultError, OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise _refused(*self._explain(error, capability, path)) from None

    def _request(self, path: str, method: str = "get", body: object = None) -> Any:
        """Do one request below the mount; without a path ask what the mount is, as each login may that can use it."""
        url = f"{self._settings.mount}/{path}" if path else f"sys/internal/ui/mounts/{self._settings.mount}"
        try:
            answer = self._client.adapter.request(method, f"/v1/{url}", json=body, timeout=self._deadline)
        except InvalidPath as error:
            if isinstance(error.json, dict) and (error.errors == [] or "data" in error.json):
                return error.json.get("data")  # data: the item was deleted, and can be brought back
            raise
        return None if method == "delete" or path.startswith("destroy/") else answer["data"]

    def _is_accepted(self) -> bool:
        """Return whether the server knows the token: for one that it does not know, it gives no other reason."""
        try:
            self._request("")
        except Forbidden as error:
            return "preflight" in str(error)
        return True

    def _log_in(self) -> None:
        chosen, self._client.token = self._settings, ""
        if not chosen.role_id:
            kept = [home(self._environ) / name for name in _FILES]
            self._client.token = _read_login(TOKEN_VARIABLES, kept, self._environ).reveal()
            return
        file = Path(chosen.secret_id_file or Path(self._environ.get(_DIRECTORY, "/"), CREDENTIAL))
        with _read_login((), [file], self._environ) as secret_id:
            try:
                self._client.auth.approle.login(chosen.role_id, secret_id.reveal(), mount_point=chosen.auth_mount)
            except (Forbidden, InvalidRequest):
                why = f"A wrong, used or expired ID is refused. So is a wrong auth_mount ({chosen.auth_mount})."
                advice = "Put a new secret ID in the place of the old one."
                raise _refused("login-refused", "refuses the AppRole login", why, advice) from None

    def _note(self, answer: requests.Response) -> None:
        """Remember how new a read must be at least. A redirect would carry token and value to a place nobody named."""
        if answer.is_redirect:
            answer.close()
            why = f"{self._settings.url} is not the active node. The wizard follows no redirect."
            raise _refused("redirected", "redirects to another address", why, "Set url to the active node.")
        if index := answer.headers.get("X-Vault-Index"):
            self._session.headers["X-Vault-Index"] = index

    def _explain(self, error: Exception, capability: str, path: str) -> tuple[str, str, str, str]:  # noqa: PLR0911
        """Return code, what happened, why and what to do; the text of the error stays here."""
        chosen, at, text = self._settings, f"The address is {self._settings.url}.", str(error)
        if isinstance(error, requests.Timeout):
            why = f"{at} Only what was read back counts as done."
            return "timeout", f"did not answer within {self._deadline:g} s", why, _CHECK
        if isinstance(error, requests.exceptions.SSLError):
            why = f"{chosen.ca_file or 'A public authority'} did not sign it, or its name or time does not fit. {at}"
            advice = "Set ca_file to the authority of your server. Verification cannot be switched off."
            return "tls", "shows a certificate that is not trusted", why, advice
        if isinstance(error, requests.ConnectionError):
            if "NewConnectionError" in text or "NameResolutionError" in text:
                return "unreachable", "cannot be reached", at, _CHECK
            return "lost", "ended the connection without an answer", at, _CHECK
        if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
            why = f"The file {chosen.ca_file} is missing, or holds no certificate in PEM form."
            return "ca-file", "cannot be verified", why, "Correct ca_file in config.toml."
        if isinstance(error, InvalidRequest) and "check-and-set" in text:
            return _OCCUPIED
        if isinstance(error, VaultDown) and "sealed" in text:
            return "sealed", "is sealed", f"It cannot decrypt what it holds. {at}", "Unseal it on the server."
        if isinstance(error, InvalidPath) or "preflight" in text:
            named = f"the mount {chosen.mount}" + (f" in {chosen.namespace}" if chosen.namespace else "")
            why = f"It is not there, or the policy allows nothing in it. {at}"
            return "mount-missing", f"does not show {named}", why, "Correct config.toml or the policy."
        if isinstance(error, Forbidden):
            why = f"It accepts the token. The policy lacks the capability {capability}."
            advice = f"Add it to the policy, for the path {chosen.mount}/{path.partition('/')[0]}/{chosen.path}/*"
            return "permission", f"does not let you {capability} {chosen.mount}/{path}", why, f"{advice}."
        return "failed", "gave no answer that helps", f"It ended with {type(error).__name__}. {at}", _CHECK


class OpenBaoPath(OpenBaoStore):
    """One path that bots read. Its newest version holds the current key, and is followed by check-and-set."""

    async def ask(self, action: str, /, text: str = "", fingerprint: str = "", **_: str) -> str:
        """Read, `write` a JSON object, or `withdraw` a key, with all versions before the newest.

        Returns the digest of what is held then, as `Secret` has it; empty for nothing. Raises CustodyError.
        """
        path = self._path("")
        number, fields = await self._call("read", f"data/{path}", take=_newest) or (0, {})
        if action == "write":
            wanted = json.loads(text)
            if fields and not fields.keys() & wanted.keys():
                raise _refused("occupied", "holds something else at this path", "Key Wizard did not write it.", _MOVE)
            body = {"options": {"cas": number}, "data": wanted}
            await self._call("update", f"data/{path}", "post", body, itemgetter("version"))
            number, fields = await self._call("read", f"data/{path}", take=_newest) or (0, {})
        if action == "withdraw" and number:
            if fingerprint in [Secret(str(value)).fingerprint() for value in fields.values()]:
                number, fields = 0, {}
            if old := await self._versions(path, number):
                await self._call("update", f"destroy/{path}", "post", {"versions": old})
                if await self._versions(path, number):
                    raise _refused("failed", "did not destroy old versions", "They are still there.", _CHECK)
        return Secret(json.dumps(fields, sort_keys=True)).fingerprint(DIGITS) if fields else ""

    async def _versions(self, path: str, newest: int) -> list[int]:
        """Return the versions whose values are there, but the newest."""
        held = await self._call("read", f"metadata/{path}", take=_numbers) or ()
        return [number for number in held if number != newest]


def _kind(found: Any) -> str:
    return " ".join(filter(None, (found.get("type"), (found.get("options") or {}).get("version"))))


def _value(found: Any) -> Secret:
    value = (fields := found["data"] or {USER: ""}).get(USER)
    return Secret(value if isinstance(value, str) else json.dumps(fields))


def _keys(found: Any) -> list[str]:
    return [key for key in found["keys"] if not key.endswith("/")]


def _newest(found: Any) -> tuple[int, dict[str, object]]:
    return int(found["metadata"]["version"]), dict(found["data"] or {})


def _numbers(found: Any) -> list[int]:
    return [int(name) for name, one in found["versions"].items() if not one["destroyed"]]


def _refused(code: str, does: str, why: str, advice: str) -> CustodyError:
    kind = ItemOccupiedError if code == _OCCUPIED[0] else CustodyError
    return kind(f"{OpenBaoStore.place} {does}", why=why, advice=advice, code=code)


def _read_login(variables: Sequence[str], places: Sequence[Path], environ: Mapping[str, str]) -> Secret:
    """Return the first of the variables that is set, else what the first file holds that is there."""
    source = next((name for name in variables if environ.get(name)), "")
    text = environ.get(source, "")
    for file in () if source else places:
        try:
            data, found = files.read(file, 8192)
        except FileError as error:
            if error.code in {"file.missing", "file.impossible"}:
                continue
            raise CustodyError(error.what, why=error.why, advice=error.advice, code="token-unreadable") from None
        # systemd closes its directory, and gives the files in it modes of another kind.
        if os.name == "posix" and found.st_mode & OTHERS and str(file.parent) != environ.get(_DIRECTORY):
            why, advice = "It logs in to OpenBao, and can read your keys.", f"Close it to them:\nchmod 600 {file}"
            raise CustodyError(f"{file} is open to other users", why=why, advice=advice, code="token-exposed")
        source, text = str(file), data.decode("utf-8", "replace").strip()
        break
    if re.fullmatch("[!-~]+", text):
        return Secret(text)
    named = (
        f"{source} has no line of ASCII" if source else f"There is none in {', '.join([*variables, *map(str, places)])}"
    )
    raise CustodyError("The wizard has no login for OpenBao", why=f"{named}.", advice=_LOG_IN, code="token-missing")
