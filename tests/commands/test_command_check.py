from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.commands.conftest import HERE, Bench, Command, Said
from tests.egress.fake_ssh import fake_ssh
from tests.terminal.harness import Terminal
from tests.tiers import slow
from wizard.core import settings
from wizard.core.credentials import Credentials, KeyKind
from wizard.core.secret import Secret
from wizard.core.sites import Site
from wizard.custody.custodian import CREDENTIAL
from wizard.custody.encrypted_file import make_file
from wizard.custody.records import KeyRecord, Slot
from wizard.custody.store import MemoryStore, Store
from wizard.rotation.journal import Journal
from wizard.rotation.model import Mode, Step
from wizard.rotation.opening import open_flow, sole_writer

ELSEWHERE = "203.0.113.99"
DAY = 86400
ROOT = Path(__file__).parents[2]


def outcomes(said: Said) -> dict[str, str]:
    return {check["subject"]: check["outcome"] for check in said.json["checks"]}


def move(bench: Bench) -> None:
    """Give this host another public address."""
    httpx.put(f"{bench.desk_url}/nat", json={"127.0.0.1": ELSEWHERE}, trust_env=False).raise_for_status()


class TestWithAKeyring:
    @pytest.mark.keyring
    @pytest.mark.parametrize("kind", [KeyKind.HMAC, KeyKind.ED25519])
    def test_a_key_in_good_order_is_fine(self, bench: Bench, keyring: Store, command: Command, kind: KeyKind) -> None:
        credentials = bench.put_in_use(keyring, kind=kind)
        said = command("check", "bench", "--json")
        assert (said.code, said.err) == (0, "")
        assert said.json["fine"] is True
        assert said.json["current"]["fingerprint"] == credentials.name.fingerprint
        assert outcomes(said) == {
            **dict.fromkeys(("Current key", "Accepted", "IP restriction", "Whitelist", "Age"), "passed"),
            "Permissions": "not applicable",
        }
        assert said.check("Accepted")["from"] == HERE
        assert credentials.api_key.reveal() not in said.out

    def test_people_read_each_finding_on_stdout(self, bench: Bench, fake_keyring: Store, command: Command) -> None:
        bench.put_in_use(fake_keyring)
        said = command("check", "bench")
        assert (said.code, said.err) == (0, "")
        assert len(said.out.splitlines()) == 6

    def test_a_host_whose_address_changed_is_told_so(self, bench: Bench, fake_keyring: Store, command: Command) -> None:
        bench.put_in_use(fake_keyring)
        move(bench)
        said = command("check", "bench", "--json")
        assert (said.code, said.json["fine"]) == (1, False)
        assert outcomes(said)["Whitelist"] == outcomes(said)["Accepted"] == "failed"
        assert f"Add {ELSEWHERE}" in said.check("Whitelist")["advice"]
        assert "because of your address" in said.check("Accepted")["observed"]

    def test_a_list_changed_on_the_page_alone_shows_as_accepted_but_not_covered(
        self, bench: Bench, fake_keyring: Store, command: Command
    ) -> None:
        credentials = bench.put_in_use(fake_keyring)
        move(bench)
        asyncio.run(bench.simulated_page.set_whitelist(credentials.api_key, ELSEWHERE))
        said = command("check", "bench", "--json")
        assert said.code == 1
        assert (outcomes(said)["Accepted"], outcomes(said)["Whitelist"]) == ("passed", "failed")

    def test_authorities_in_the_place_of_the_public_ones_are_named(
        self, bench: Bench, fake_keyring: Store, command: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench.put_in_use(fake_keyring)
        assert "certificates" not in command("check", "bench").err
        monkeypatch.setenv("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
        said = command("check", "bench")
        assert (said.code, "SSL_CERT_FILE" in said.err) == (0, True)

    def test_a_deleted_key_is_no_longer_accepted(self, bench: Bench, fake_keyring: Store, command: Command) -> None:
        asyncio.run(bench.simulated_page.delete(bench.put_in_use(fake_keyring).api_key))
        said = command("check", "bench", "--json")
        assert said.code == 1
        assert (outcomes(said)["Accepted"], outcomes(said)["Whitelist"]) == ("failed", "passed")
        assert "does not know this key" in said.check("Accepted")["observed"]

    @pytest.mark.parametrize(
        ("told", "subject"),
        [
            ({"ipRestrict": True}, "Accepted"),
            ({"ipRestrict": "true", "enableReading": True}, "Accepted"),
            ({"ipRestrict": True, "enableReading": 1}, "Accepted"),
            ({"enableReading": True}, "IP restriction"),
            ({"ipRestrict": None, "enableReading": True}, "IP restriction"),
        ],
    )
    def test_what_the_exchange_does_not_tell_is_not_fine(
        self, bench: Bench, fake_keyring: Store, command: Command, told: dict[str, object], subject: str
    ) -> None:
        bench.put_in_use(fake_keyring)
        path = "/sapi/v1/account/apiRestrictions"
        bench.fault(answers=[{"path": path, "times": 9, "status": 200, "body": told}])
        said = command("check", "bench", "--json")
        assert (said.code, said.json["fine"]) == (6, False)
        assert outcomes(said)[subject] == "inconclusive"

    def test_a_key_that_lost_its_restriction_is_not_fine(
        self, bench: Bench, fake_keyring: Store, command: Command
    ) -> None:
        bench.put_in_use(fake_keyring, is_restricted=False)
        said = command("check", "bench", "--json")
        assert (said.code, outcomes(said)["IP restriction"]) == (1, "failed")

    def test_a_key_adopted_without_a_list_has_nothing_to_compare(
        self, bench: Bench, fake_keyring: Store, command: Command
    ) -> None:
        bench.put_in_use(fake_keyring, whitelist="", is_restricted=False)
        said = command("check", "bench", "--json")
        assert said.code == 0
        assert (outcomes(said)["Whitelist"], outcomes(said)["IP restriction"]) == ("not applicable", "warning")
        assert "--job whitelist" in said.check("IP restriction")["advice"]

    def test_a_key_whose_list_is_not_known_is_sent_to_the_job_that_makes_it_known(
        self, bench: Bench, fake_keyring: Store, command: Command
    ) -> None:
        credentials = bench.put_in_use(fake_keyring, whitelist="", is_restricted=False)
        asyncio.run(bench.simulated_page.set_whitelist(credentials.api_key, HERE))
        said = command("check", "bench", "--json")
        assert (said.code, outcomes(said)["Whitelist"]) == (0, "warning")
        assert "key-wizard --env bench --job whitelist" in said.check("Whitelist")["advice"]

    def test_an_old_key_is_told_with_its_limit(self, bench: Bench, fake_keyring: Store, command: Command) -> None:
        bench.put_in_use(fake_keyring, clock=lambda: time.time() - 100 * DAY)
        said = command("check", "bench", "--json")
        assert (said.code, outcomes(said)["Age"]) == (1, "failed")
        observed = said.check("Age")["observed"]
        assert "stored here 100 d" in observed
        assert "The limit is 90 d" in observed
        assert command("check", "bench", "--max-age", "101").code == 0

    def test_the_exchange_s_date_counts_for_a_key_that_was_stored_later(
        self, bench: Bench, fake_keyring: Store, command: Command
    ) -> None:
        bench.put_in_use(fake_keyring, clock=lambda: time.time() + DAY)
        said = command("check", "bench", "--json", "--max-age", "0")
        assert (said.code, outcomes(said)["Age"]) == (1, "failed")
        assert "Binance created the key" in said.check("Age")["observed"]

    def test_an_exchange_that_is_not_there_says_nothing_about_the_key(
        self, bench: Bench, fake_keyring: Store, command: Command, dead_url: str
    ) -> None:
        bench.put_in_use(fake_keyring)
        bench.configure(base_url=dead_url)
        said = command("check", "bench", "--json")
        assert said.code == 6
        assert (outcomes(said)["Accepted"], outcomes(said)["Whitelist"]) == ("inconclusive", "passed")

    def test_an_address_that_nobody_agrees_on_is_inconclusive(
        self, bench: Bench, fake_keyring: Store, command: Command
    ) -> None:
        bench.put_in_use(fake_keyring)
        bench.use("plain")
        said = command("check", "bench", "--json")
        assert said.code == 6
        assert (outcomes(said)["Accepted"], outcomes(said)["Whitelist"]) == ("passed", "inconclusive")

    def test_a_proxy_that_cannot_be_used_is_inconclusive_and_shows_no_password(
        self, bench: Bench, fake_keyring: Store, command: Command
    ) -> None:
        bench.put_in_use(fake_keyring)
        proxy = "gopher://user:hunter2@10.0.0.2:70"
        bench.paths.config_file.write_text(f'[environments.bench]\nsite = "demo"\nproxy = "{proxy}"\n')
        said = command("check", "bench", "--json")
        assert said.code == 6
        assert outcomes(said)["Accepted"] == outcomes(said)["Whitelist"] == "inconclusive"
        assert "hunter2" not in said.out

    def test_a_wizard_at_work_is_not_disturbed_and_disturbs_nothing(
        self, bench: Bench, fake_keyring: Store, command: Command
    ) -> None:
        bench.put_in_use(fake_keyring)
        with sole_writer(bench.paths.lock("bench"), "bench", time.time), bench.journal() as journal:
            before = journal.events()
            assert command("check", "bench").code == 0
            assert journal.events() == before
            assert journal.last_verdict("bench") is None  # the rotation at hand goes by the wizard's own detection
            assert [len(seen.addresses) for seen in journal.egress_history("bench", "direct")] == [1]

    def test_every_observation_is_kept(self, bench: Bench, fake_keyring: Store, command: Command) -> None:
        bench.put_in_use(fake_keyring)
        command("check", "bench")
        command("check", "bench", "--json")
        assert "Unchanged in 3 checks" in command("egress", "--env", "bench").out

    def test_a_key_that_left_the_keyring_is_not_fine(self, bench: Bench, fake_keyring: Store, command: Command) -> None:
        bench.put_in_use(MemoryStore())
        said = command("check", "bench", "--json")
        assert said.code == 1
        assert (outcomes(said)["Current key"], outcomes(said)["Accepted"]) == ("failed", "not run")


SPOT = {"enableReading": True, "enableSpotAndMarginTrading": True}


def prove(bench: Bench, slot: Slot = Slot.CURRENT, **permissions: bool) -> None:
    """Binance accepted a key from here, and said that it may do this."""
    with bench.journal() as journal:
        key = journal.key_in("bench", slot)
        assert key is not None
        journal.mark_proven(key, HERE, permissions, site="custom")


class TestWhatChanged:
    @pytest.mark.field(2, "answers", "https://github.com/freqtrade/freqtrade/issues/6783")
    @pytest.mark.parametrize(
        ("now", "code", "outcome"),
        [
            (SPOT, 0, "passed"),
            ({"enableReading": True}, 1, "failed"),
            ({**SPOT, "enableWithdrawals": True}, 1, "failed"),
            ({**SPOT, "enableMargin": True}, 0, "warning"),
        ],
    )
    def test_permissions_lost_or_gained_since_the_proof(
        self, bench: Bench, fake_keyring: Store, command: Command, now: dict[str, bool], code: int, outcome: str
    ) -> None:
        credentials = bench.put_in_use(fake_keyring)
        prove(bench, **SPOT, enableWithdrawals=False)
        asyncio.run(bench.simulated_page.set_permissions(credentials.api_key, **now))
        said = command("check", "bench", "--json")
        assert (said.code, outcomes(said)["Permissions"]) == (code, outcome)

    @pytest.mark.parametrize(("days", "code", "outcome"), [(30, 0, "passed"), (3, 0, "warning"), (-1, 1, "failed")])
    def test_the_end_of_trading(
        self, bench: Bench, fake_keyring: Store, command: Command, days: int, code: int, outcome: str
    ) -> None:
        bench.put_in_use(fake_keyring)
        bench.fault(trading_until=round((time.time() + days * DAY) * 1000))
        said = command("check", "bench", "--json")
        assert (said.code, outcomes(said)["Trading authority"]) == (code, outcome)

    def test_the_futures_host_where_it_is_used(self, bench: Bench, fake_keyring: Store, command: Command) -> None:
        credentials = bench.put_in_use(fake_keyring)
        bench.configure(f'uses_futures = true\nfutures_url = "{bench.base_url}"\n')
        said = command("check", "bench", "--json")
        assert (said.code, outcomes(said)["Futures"]) == (1, "failed")
        assert "Enable Futures" in said.check("Futures")["advice"]
        asyncio.run(bench.simulated_page.set_permissions(credentials.api_key, **SPOT, enableFutures=True))
        said = command("check", "bench", "--json")
        assert (said.code, outcomes(said)["Futures"]) == (0, "passed")


@pytest.mark.keyring
class TestItsAdvice:
    """What it advises is done on the page and in the job that it names; then it is fine, and the key is the same."""

    @pytest.mark.parametrize("whitelist", [HERE, *slow("")])
    def test_after_a_changed_address(self, bench: Bench, keyring: Store, command: Command, whitelist: str) -> None:
        credentials = bench.put_in_use(keyring, whitelist=whitelist, is_restricted=bool(whitelist))
        if not whitelist:
            asyncio.run(bench.simulated_page.set_whitelist(credentials.api_key, HERE))
        prove(bench, **SPOT)
        move(bench)
        said = command("check", "bench", "--json")
        assert (said.code, outcomes(said)["Accepted"]) == (1, "failed")
        assert f"Add {ELSEWHERE} to the whitelist" in said.check("Accepted")["advice"]
        assert "key-wizard --env bench --job whitelist" in said.check("Accepted")["advice"]
        change_the_whitelist(bench, keyring, credentials)
        self.expect_fine(command, credentials)

    @pytest.mark.parametrize("now", [{"enableReading": True}, *slow({**SPOT, "enableWithdrawals": True})])
    def test_after_a_permission_that_was_changed_on_purpose(
        self, bench: Bench, keyring: Store, command: Command, now: dict[str, bool]
    ) -> None:
        credentials = bench.put_in_use(keyring)
        prove(bench, **SPOT, enableWithdrawals=False)
        asyncio.run(bench.simulated_page.set_permissions(credentials.api_key, **now))
        said = command("check", "bench", "--json")
        assert (said.code, outcomes(said)["Permissions"]) == (1, "failed")
        assert "key-wizard --env bench --job whitelist" in said.check("Permissions")["advice"]
        change_the_whitelist(bench, keyring, credentials)
        self.expect_fine(command, credentials)

    def test_after_a_key_without_restriction(self, bench: Bench, keyring: Store, command: Command) -> None:
        credentials = bench.put_in_use(keyring, whitelist="", is_restricted=False)
        said = command("check", "bench", "--json")
        assert "key-wizard --env bench --job whitelist" in said.check("IP restriction")["advice"]
        change_the_whitelist(bench, keyring, credentials)
        self.expect_fine(command, credentials)

    def expect_fine(self, command: Command, credentials: Credentials) -> None:
        assert command("check", "bench", "--quiet") == Said(0, "", "")
        said = command("check", "bench", "--json")
        assert set(outcomes(said).values()) == {"passed"}
        assert said.json["current"]["fingerprint"] == credentials.name.fingerprint


def change_the_whitelist(bench: Bench, store: Store, credentials: Credentials) -> None:
    """Walk the job, and paste on the page what it says."""

    async def open_store() -> Store:
        return store

    async def walk() -> None:
        environment = settings.load(bench.paths.config_file).environment("bench")
        async with open_flow(environment, bench.paths, open_store) as flow:
            await flow.begin(Mode.WHITELIST)
            await flow.egress.detect()
            flow.advance(Step.EGRESS)
            flow.whitelist.settle(flow.whitelist.proposal())
            flow.advance(Step.WHITELIST)
            text = ",".join(map(str, flow.context.whitelist))
            await bench.simulated_page.set_whitelist(credentials.api_key, text)
            flow.advance(Step.APPLY)
            assert await flow.complete(await flow.probe.run())

    asyncio.run(walk())


class TestKeysThatShouldBeDead:
    def test_a_switch_while_the_records_are_read_makes_no_key_its_own_legacy_key(
        self, bench: Bench, fake_keyring: Store, command: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench.put_in_use(fake_keyring)
        read = Journal.key_in

        def read_and_switch(journal: Journal, environment: str, slot: Slot) -> KeyRecord | None:
            found = read(journal, environment, slot)
            if slot is Slot.CURRENT:
                with closing(sqlite3.connect(bench.paths.journal)) as database, database:
                    database.execute("UPDATE keys SET slot = ? WHERE slot = ?", (Slot.LEGACY, Slot.CURRENT))
            return found

        monkeypatch.setattr(Journal, "key_in", read_and_switch)
        said = command("check", "bench", "--json")
        assert said.json["current"] is not None
        assert said.json["other_keys"] == []

    def test_a_living_legacy_key_is_exit_4_until_it_is_deleted(
        self, bench: Bench, fake_keyring: Store, command: Command
    ) -> None:
        legacy = bench.put_in_use(fake_keyring, slot=Slot.LEGACY)
        bench.put_in_use(fake_keyring)
        prove(bench, slot=Slot.LEGACY)
        said = command("check", "bench", "--json")
        assert (said.code, said.json["fine"], outcomes(said)["Legacy key"]) == (4, False, "failed")
        (other,) = said.json["other_keys"]
        assert other == {
            "fingerprint": legacy.name.fingerprint,
            "last_four": legacy.name.last_four,
            "slot": "legacy",
            "state": "alive",
        }
        text = command("check", "bench").out
        assert f"Delete {legacy.name} on Binance's page." in text
        assert text.count("API activity history") == 1
        with bench.journal() as journal:
            before = journal.events(), journal.keys("bench")
        asyncio.run(bench.simulated_page.delete(legacy.api_key))
        said = command("check", "bench", "--json")
        assert (said.code, outcomes(said)["Legacy key"]) == (0, "passed")
        (other,) = said.json["other_keys"]
        assert other["state"] == "refused"
        assert "activity history" not in command("check", "bench").out
        with bench.journal() as journal:
            assert (journal.events(), journal.keys("bench")) == before

    def test_a_leaked_key_in_use_is_exit_4_as_long_as_it_works(
        self, bench: Bench, fake_keyring: Store, command: Command
    ) -> None:
        leaked = bench.put_in_use(fake_keyring)
        prove(bench)
        assert command("check", "bench").code == 0
        with bench.journal() as journal:
            journal.begin_rotation("bench", Mode.LEAKED)
        said = command("check", "bench", "--json")
        assert (said.code, said.json["fine"], outcomes(said)["Accepted"]) == (4, False, "failed")
        text = command("check", "bench", "--quiet").out
        assert f"{leaked.name} has leaked, and Binance still accepts it." in text
        assert "API activity history" in text
        asyncio.run(bench.simulated_page.delete(leaked.api_key))
        assert command("check", "bench").code == 1
        bench.switch(fake_keyring)
        with bench.journal() as journal, journal._database.transaction() as write:
            write.execute("UPDATE rotations SET step = ?", (Step.RETIRE,))
        # The wizard was killed between the deletion of the leaked key's secret and the report.
        assert command("check", "bench").code == 0

    def test_the_legacy_key_is_kept_where_the_key_in_use_is_not_accepted(
        self, bench: Bench, fake_keyring: Store, command: Command
    ) -> None:
        legacy = bench.put_in_use(fake_keyring, slot=Slot.LEGACY)
        current = bench.put_in_use(fake_keyring)
        asyncio.run(bench.simulated_page.delete(current.api_key))
        said = command("check", "bench")
        assert said.code == 4
        assert f"Do not delete {legacy.name} now" in said.out

    def test_a_legacy_key_without_its_secret_fails_when_two_keys_have_worked_too_long(
        self, bench: Bench, fake_keyring: Store, command: Command
    ) -> None:
        bench.put_in_use(MemoryStore(), slot=Slot.LEGACY)
        bench.put_in_use(fake_keyring, clock=lambda: time.time() - 5000)
        said = command("check", "bench", "--json")
        assert (said.code, outcomes(said)["Legacy key"]) == (1, "failed")
        bench.configure("max_minutes_with_two_keys = 120\n")
        said = command("check", "bench", "--json")
        assert (said.code, outcomes(said)["Legacy key"]) == (6, "inconclusive")

    def test_keys_that_were_never_used_are_named_until_they_are_dead(
        self, bench: Bench, fake_keyring: Store, command: Command
    ) -> None:
        bench.put_in_use(fake_keyring)
        forgotten = []
        for _ in range(2):
            forgotten.append(bench.put_in_use(fake_keyring, slot=Slot.UNUSED))
            prove(bench, slot=Slot.UNUSED)
        said = command("check", "bench", "--json")
        assert said.code == 4
        assert [key["state"] for key in said.json["other_keys"]] == ["alive", "alive"]
        text = command("check", "bench").out
        for key in forgotten:
            assert f"Delete {key.name} on Binance's page. To finish: key-wizard --env bench --job retire" in text
            asyncio.run(bench.simulated_page.delete(key.api_key))
        said = command("check", "bench", "--json")
        assert (said.code, [key["state"] for key in said.json["other_keys"]]) == (0, ["refused", "refused"])

    def test_a_key_that_is_refused_and_was_never_seen_to_work_is_not_called_dead(
        self, bench: Bench, fake_keyring: Store, command: Command
    ) -> None:
        bench.put_in_use(fake_keyring)
        living = bench.put_in_use(fake_keyring, slot=Slot.LEGACY)
        asyncio.run(bench.simulated_page.set_whitelist(living.api_key, ELSEWHERE))
        said = command("check", "bench", "--json")
        assert (said.code, said.json["fine"], outcomes(said)["Legacy key"]) == (6, False, "inconclusive")

    def test_what_may_be_a_secret_is_neither_sent_nor_named_by_its_end(
        self, bench: Bench, fake_keyring: Store, command: Command
    ) -> None:
        bench.put_in_use(fake_keyring)
        doubtful = bench.put_in_use(fake_keyring, slot=Slot.UNUSED)
        with bench.journal() as journal:
            (key,) = journal.unused("bench")
            journal.note_answer(key, Site("custom", "", "", has_sapi=False), HERE, accepted=False, code=-2015)
        said = command("check", "bench", "--json")
        assert said.code == 6
        assert doubtful.name.last_four not in said.out
        for again in (command("status"), command("status", "--json")):
            assert doubtful.name.fingerprint in again.out
            assert doubtful.name.last_four not in again.out
        assert "is not sent again" in said.check("Unused key")["observed"]
        log = httpx.get(f"{bench.desk_url}/log", trust_env=False).text
        assert doubtful.api_key.reveal() not in log


class TestForCron:
    def test_quiet_prints_nothing_where_all_is_fine_and_else_what_is_wrong(
        self, bench: Bench, fake_keyring: Store, command: Command
    ) -> None:
        bench.put_in_use(fake_keyring)
        assert command("check", "bench", "--quiet") == Said(0, "", "")
        assert command("check", "bench", "--quiet", "--json") == Said(0, "", "")
        move(bench)
        said = command("check", "bench", "--quiet")
        assert (said.code, said.err) == (1, "")
        assert "Age" not in said.out
        assert f"Add {ELSEWHERE} to the whitelist" in said.out

    def test_quiet_says_a_warning(self, bench: Bench, fake_keyring: Store, command: Command) -> None:
        bench.put_in_use(fake_keyring, whitelist="", is_restricted=False)
        said = command("check", "bench", "--quiet")
        assert said.code == 0
        assert said.out.startswith("warning ")

    @pytest.mark.terminal
    def test_it_asks_for_no_passphrase_on_a_terminal(self, bench: Bench, memory: MemoryStore) -> None:
        bench.configure('[custody]\nplace = "encrypted-file"\n')
        bench.put_in_use(asyncio.run(make_file(bench.paths.encrypted_file, Secret("seven random words"), 10)))
        with Terminal([sys.executable, "-m", "wizard", "check", "bench"], env=dict(os.environ), cwd=ROOT) as seen:
            assert seen.wait(timeout=60) == 5
            assert b"needs its passphrase" in seen.raw
            assert b"Passphrase of" not in seen.raw

    @pytest.fixture
    def mailbox(self, tmp_path: Path) -> Path:
        """What takes its standard input into a file beside it, and the variables that it sees."""
        program = tmp_path / "take mail"
        program.write_text('#!/bin/sh\necho "-- $1" >> "$0.box"\ncat >> "$0.box"\nenv >> "$0.env"\n')
        program.chmod(0o755)
        return program

    def test_a_command_is_given_the_verdict_when_it_changes(
        self, bench: Bench, fake_keyring: Store, command: Command, mailbox: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        box = mailbox.with_name("take mail.box")
        credentials = bench.put_in_use(fake_keyring)
        monkeypatch.setenv("BINANCE_API_SECRET", credentials.signing.reveal())
        how = ("check", "bench", "--quiet", "--notify", f"'{mailbox}' \"two words\"")
        assert command(*how) == Said(0, "", "")
        assert not box.exists()
        move(bench)
        assert command(*how).code == command(*how).code == 1
        first = box.read_text()
        assert first.startswith("-- two words\nKey Wizard, bench\n")
        assert first.count(f"Add {ELSEWHERE}") == 2  # Accepted and Whitelist, in one notice
        httpx.put(f"{bench.desk_url}/nat", json={"127.0.0.1": HERE}, trust_env=False).raise_for_status()
        assert command(*how).code == command(*how).code == 0
        assert box.read_text() == f"{first}-- two words\nKey Wizard, bench\nAll is fine again.\n"
        seen = box.read_text() + mailbox.with_name("take mail.env").read_text()
        for secret in (credentials.api_key, credentials.signing):
            assert secret.reveal() not in seen

    def test_a_run_without_hosts_does_not_say_that_they_are_fine_again(
        self,
        bench: Bench,
        fake_keyring: Store,
        command: Command,
        mailbox: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        bench.put_in_use(fake_keyring)
        bench.configure('hosts = ["stranger"]\n')
        for name, value in fake_ssh(tmp_path / "ssh").items():
            monkeypatch.setenv(name, value)
        how = ("check", "bench", "--quiet", "--notify", f"'{mailbox}'")
        assert command(*how, "--hosts").code == 6
        first = mailbox.with_name("take mail.box").read_text()
        assert "stranger not tried" in first
        assert command(*how).code == 0
        assert command(*how, "--hosts").code == 6
        assert mailbox.with_name("take mail.box").read_text() == first

    def test_a_command_that_fails_changes_no_exit_code_and_is_run_again(
        self, bench: Bench, fake_keyring: Store, command: Command, mailbox: Path
    ) -> None:
        bench.put_in_use(fake_keyring)
        move(bench)
        for failing, says in (("sh -c 'echo busy; exit 7'", "exit 7"), ("/nowhere/mail", "cannot be started")):
            said = command("check", "bench", "--notify", failing)
            assert said.code == 1
            assert f"The command of --notify failed: {says}" in said.err
        assert command("check", "bench", "--notify", f"'{mailbox}'").err == ""
        assert mailbox.with_name("take mail.box").exists()

    def test_a_journal_that_cannot_be_read_is_notified_too(
        self, bench: Bench, fake_keyring: Store, command: Command, mailbox: Path
    ) -> None:
        bench.put_in_use(fake_keyring)
        bench.paths.journal.write_bytes(b"no database" * 100)
        assert command("check", "bench", "--notify", f"'{mailbox}'").code == 1
        assert "journal" in mailbox.with_name("take mail.box").read_text().lower()

    def test_no_control_character_of_an_edited_journal_is_sent(
        self, bench: Bench, fake_keyring: Store, command: Command, mailbox: Path
    ) -> None:
        bench.put_in_use(fake_keyring)
        with bench.journal() as journal, journal._database.transaction() as write:
            write.execute("UPDATE keys SET permissions = ?", ('{"\\u001b]52;c;eA==\\u0007 \\ud800": true}',))
        assert command("check", "bench", "--notify", f"'{mailbox}'").code == 6
        sent = mailbox.with_name("take mail.box").read_text()
        assert "]52;c;eA==" in sent
        assert "\x1b" not in sent

    @pytest.mark.parametrize("text", ["", "'open", "  "])
    def test_what_is_no_command_is_wrong_usage(self, bench: Bench, command: Command, text: str) -> None:
        assert command("check", "bench", "--notify", text).code == 2

    def test_hosts_that_cannot_be_asked_leave_it_open(
        self, bench: Bench, fake_keyring: Store, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench.put_in_use(fake_keyring)
        bench.configure('hosts = ["stranger"]\n')
        for name, value in fake_ssh(tmp_path).items():
            monkeypatch.setenv(name, value)
        assert command("check", "bench").code == 0  # only where it is asked for
        said = command("check", "bench", "--hosts", "--json")
        assert said.code == 6
        (found,) = (check for check in said.json["checks"] if "stranger" in check["subject"])
        assert found["outcome"] == "inconclusive"


def test_a_keyring_that_cannot_be_used_is_exit_5_and_the_rest_is_still_checked(
    bench: Bench, memory: MemoryStore, command: Command
) -> None:
    bench.put_in_use(memory)
    said = command("check", "bench", "--json")
    assert said.code == 5
    assert outcomes(said) == {"Storage": "failed", "Accepted": "not run", "Whitelist": "passed", "Age": "passed"}


def test_a_key_from_a_time_that_the_clock_has_not_reached_is_not_called_young(
    bench: Bench, memory: MemoryStore, command: Command
) -> None:
    bench.put_in_use(memory, clock=lambda: time.time() + DAY)
    said = command("check", "bench", "--json")
    assert outcomes(said)["Age"] == "inconclusive"
    assert "clock" in said.check("Age")["advice"]


def test_a_young_item_does_not_prove_a_young_key(bench: Bench, memory: MemoryStore, command: Command) -> None:
    bench.put_in_use(memory)
    assert "did not say when it was created" in command("check", "bench", "--json").check("Age")["does_not_prove"]


def test_an_environment_without_a_key_is_not_fine(bench: Bench, command: Command) -> None:
    said = command("check", "bench", "--json")
    assert (said.code, said.json["fine"], said.json["current"]) == (1, False, None)
    assert outcomes(said)["Current key"] == "failed"


@pytest.mark.parametrize("days", ["-1", "nan", "inf", "soon"])
def test_days_that_are_none_are_wrong_usage(bench: Bench, command: Command, days: str) -> None:
    assert command("check", "bench", "--max-age", days).code == 2


def test_a_key_in_the_encrypted_file_is_said_to_be_read_from_there(
    bench: Bench, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.configure('[custody]\nplace = "encrypted-file"\n')
    store = asyncio.run(make_file(bench.paths.encrypted_file, Secret("seven random words"), 10))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / CREDENTIAL).write_text("seven random words")
    bench.put_in_use(store)
    said = command("check", "bench")
    assert said.code == 0
    assert "was read from the encrypted file" in said.out
    assert "keyring" not in (said.out + said.err).lower()
    bench.paths.encrypted_file.unlink()
    said = command("check", "bench")
    assert said.code == 5
    assert "keyring" not in (said.out + said.err).lower()
