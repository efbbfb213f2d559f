"""Other hosts over a real sshd on loopback."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
from asyncio.subprocess import PIPE
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.egress.conftest import Town
from tests.egress.lab import IS_REQUIRED, MISSING, WITHOUT_CURL, Lab, start_lab
from wizard.commands.egress import warn_of_hosts
from wizard.core.destinations import read_destination
from wizard.core.errors import UsageError
from wizard.core.rules import Rules
from wizard.egress.services import EchoService, Parser
from wizard.egress.ssh_hosts.hosts import Host, HostAnswer, hosts_of_ssh_config, labels, typed_host
from wizard.egress.ssh_hosts.openssh import OpenSsh, ScriptRun, end_process, find_openssh
from wizard.egress.ssh_hosts.remote_detection import TOO_MUCH, Bounds, ask_hosts, explain_ssh, judge_run

HERE = "203.0.113.42"
HOSTS = 24
"""More than are asked at a time."""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if MISSING:
        (pytest.fail if IS_REQUIRED else pytest.skip)(f"not installed: {', '.join(MISSING)}")
    made = start_lab(tmp_path_factory.mktemp("lab"))
    yield made
    made.stop()


def ssh(lab: Lab) -> OpenSsh:
    return OpenSsh(str(lab.wrapper), {"PATH": os.environ["PATH"]}, connect_timeout=2)


@pytest.mark.sshd
async def test_many_hosts_of_which_some_are_broken_give_one_table_in_bounded_time(
    lab: Lab, town: Town, rules: Rules
) -> None:
    services = [await town.operator("one", f"{HERE}\n"), await town.operator("two", HERE)]
    with socket.create_server(("127.0.0.1", 0)) as hung:
        broken = {
            "stranger": (lab.host("stranger", known="empty"), "unknown-host-key"),
            "changed": (lab.host("changed", known="changed"), "changed-host-key"),
            "refused": (lab.host("refused", key="stranger"), "login-refused"),
            "dead": (lab.host("dead", port=town.dead_port()), "connection-refused"),
            "hung": (lab.host("hung", port=hung.getsockname()[1]), "time-out"),
            "bare": (lab.host("bare", key="bare"), "no-client"),
            "garbage": (lab.host("garbage", key="garbage"), "not-understood"),
        }
        good = [f"bot-{number}" for number in range(HOSTS - len(broken))]
        lab.configure(*map(lab.host, good), *(section for section, _ in broken.values()))
        arrived: list[HostAnswer] = []
        answers = await ask_hosts(
            [typed_host(name) for name in (*broken, *good)],
            services,
            ssh(lab),
            rules=rules,
            bounds=Bounds(each=30.0, together=60.0),
            on_answer=arrived.append,
        )
    said = {answer.host.name: answer for answer in answers}
    assert list(said) == [*broken, *good]
    assert len(arrived) == HOSTS
    assert {name: said[name].trouble.kind for name in broken if said[name].trouble} == {
        name: kind for name, (_, kind) in broken.items()
    }
    assert [(name, said[name].sentence()) for name in good if str(said[name].address) != HERE] == []
    assert said["bot-0"].verdict.operators[said["bot-0"].verdict.addresses[0]] == ("One", "Two")
    assert said["bot-0"].client == "curl"
    assert {str(address): len(names) for address, names in labels(answers).items()} == {HERE: len(good)}
    assert all(answer.advice() and answer.sentence().isprintable() for answer in answers if answer.trouble)
    assert (lab.directory / "empty").read_text() == ""  # no host key was accepted


@pytest.mark.sshd
@pytest.mark.parametrize("client", WITHOUT_CURL)
async def test_a_host_without_curl_asks_with_what_it_has(lab: Lab, town: Town, rules: Rules, client: str) -> None:
    if client == "wget" and not shutil.which("wget"):
        pytest.skip("wget is not installed")
    services = [
        await town.operator("portal", "", status=302, headers="location: http://127.0.0.1:1/\r\n"),
        await town.operator("busy", "no", status=429),
        await town.operator("one", f"{HERE}\n"),
        await town.operator("two", HERE),
    ]
    lab.configure(lab.host("bot", key=client))
    (answer,) = await ask_hosts([typed_host("bot")], services, ssh(lab), rules=rules)
    assert (answer.client, str(answer.address)) == (client, HERE)
    assert [sample.service.name for sample in answer.samples] == ["portal", "busy", "one", "two"]
    assert "redirect" in answer.samples[0].refusal
    assert "HTTP 429" in answer.samples[1].refusal
    assert {host for host, _ in town.callers} == {"127.0.0.1"}


@pytest.mark.sshd
@pytest.mark.parametrize("client", WITHOUT_CURL)
async def test_without_curl_a_dead_server_is_told_too(lab: Lab, town: Town, rules: Rules, client: str) -> None:
    if client == "wget" and not shutil.which("wget"):
        pytest.skip("wget is not installed")
    lab.configure(lab.host("bot", key=client))
    (answer,) = await ask_hosts([typed_host("bot")], [town.service("dead", town.dead_port())], ssh(lab), rules=rules)
    assert answer.client == client
    assert answer.trouble
    assert answer.trouble.kind == "no-address"
    assert "no connection over IPv4" in answer.trouble.reason


@pytest.mark.sshd
async def test_a_destination_that_is_an_option_starts_nothing(lab: Lab, town: Town, rules: Rules) -> None:
    lab.configure(lab.host("bot"))
    mark = lab.directory / "touched"
    hostile = f"-oProxyCommand=touch {mark}"
    with pytest.raises(UsageError):
        typed_host(hostile)
    # Even unread it must not become an option: `--` stands before it.
    (answer,) = await ask_hosts([Host(hostile)], [await town.operator("one", HERE)], ssh(lab), rules=rules)
    assert answer.address is None
    assert not mark.exists()


@pytest.mark.sshd
async def test_a_host_that_never_ends_is_ended_and_leaves_no_process(lab: Lab, town: Town, rules: Rules) -> None:
    slow = await town.silent_operator("slow")
    lab.configure(lab.host("bot"))
    (answer,) = await ask_hosts(
        [typed_host("bot")], [slow], ssh(lab), rules=rules, bounds=Bounds(each=2.0, question=30)
    )
    assert answer.trouble
    assert (answer.trouble.kind, answer.trouble.reason) == ("time-out", "no answer within 2 s")
    ours = [entry for entry in Path("/proc").glob("[0-9]*/cmdline") if str(lab.directory / "client") in _text(entry)]
    assert ours == []


@pytest.mark.skipif(sys.platform == "win32", reason="the programs are of POSIX")
async def test_programs_are_ended_without_a_word_from_asyncio(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever takes an exit status from under asyncio's watcher makes it log an unknown child, now and then."""

    async def begin_and_end() -> int | None:
        process = await asyncio.create_subprocess_exec("sleep", "60", stdout=PIPE, stderr=PIPE, start_new_session=True)
        await end_process(process)
        return process.returncode

    for _ in range(20):
        ended = await asyncio.gather(*(begin_and_end() for _ in range(10)))
        assert set(ended) == {-signal.SIGKILL}
    assert not caplog.records


def _text(file: Path) -> str:
    try:
        return file.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "-oProxyCommand=touch x",
        "a b",
        "a;b",
        "$(x)",
        "`x`",
        "a\nb",
        "a|b",
        "user@-x",
        "-u@x",
        "x" * 254,
        "a@b@c",
        "ssh://x",
        "x/y",
        "a'b",
        "\x1b[2J",
        "böt",
        "x%h",
        "fe80::1%eth0",
        "@settings",
        "trader@" + "A1b2" * 16,
    ],
)
def test_what_is_no_destination_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_destination(text)
    assert all(sentence.isprintable() for sentence in refused.value.sentences())


@pytest.mark.parametrize("text", ["bot-1", "trader@bot-1", "198.51.100.7", "me@2001:db8::7", "a_b.example"])
def test_what_is_a_destination_is_taken(text: str) -> None:
    assert read_destination(f" {text} ") == text


def test_ssh_config_names_concrete_hosts_and_follows_includes(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "a.conf").write_text("Host inner\nInclude config\n")
    config = tmp_path / "config"
    config.write_text(
        '# Host no\nHost bot-1 bot-? *.x !bot-9 "bot 3"\n  HostName x\nhost=bot-2 # c\nInclude conf.d/*.conf missing\n'
        "Host -oProxyCommand=x bot-1\nMatch host zzz\n"
    )
    assert [host.name for host in hosts_of_ssh_config(config)] == ["bot-1", "bot-2", "inner"]
    assert hosts_of_ssh_config(tmp_path / "none") == ()


def test_ssh_config_is_read_as_ssh_reads_it_and_no_pipe_is_waited_for(tmp_path: Path) -> None:
    for name in ("seen", ".hidden", "deep/down"):
        (tmp_path / "conf.d" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "conf.d" / name).write_text(f"Host {Path(name).name.strip('.')}\n")
    os.mkfifo(tmp_path / "conf.d" / "pipe")
    config = tmp_path / "config"
    config.write_text("Include conf.d/*\nInclude conf.d/**\n")
    assert [host.name for host in hosts_of_ssh_config(config)] == ["seen"]


def test_only_tagged_lines_count_and_each_answer_is_judged(rules: Rules) -> None:
    services = [EchoService(name, name, "https://x/", Parser.PLAIN) for name in ("one", "two", "three", "four")]
    ok = f"HTTP/2 200 \r\nvia: 9.9.9.9\r\n\r\n{HERE}\n\n0".encode().hex()
    portal = b"HTTP/1.1 302 Found\r\nLocation: https://portal/\x1b]52\r\n\r\n\n0".hex()
    output = (
        f"Welcome\nN\tclient curl\nM\tanswer 2 {ok}\nN\tanswer 1 {ok}\nN\tanswer 1 00\nN\tanswer 9 {ok}\n"
        f"N\tanswer 3 {portal}\nN\tanswer 4 0a3630\nN\tdone\n"
    )
    run = ScriptRun(output.encode(), b"", 0)
    read = judge_run(typed_host("bot"), run, "N", services, rules=rules, deadline=1.0, milliseconds=1.0)
    assert [(sample.service.name, str(sample.address or "")) for sample in read.samples] == [
        ("one", HERE),
        ("three", ""),
        ("four", ""),
    ]
    assert "captive portal" in read.samples[1].refusal
    assert read.samples[1].refusal.isprintable()
    assert "certificate" in read.samples[2].refusal


async def test_hosts_that_no_time_was_left_for_are_named_with_what_to_do(rules: Rules) -> None:
    (answer,) = await ask_hosts(
        [typed_host("bot-1")], (), OpenSsh("ssh", {}), rules=rules, bounds=Bounds(each=5.0, together=0.0)
    )
    assert "Not asked, as the 0 s for all hosts were over" in answer.sentence()
    assert answer.advice() == "Ask it again."


@pytest.mark.sshd
async def test_a_host_with_warp_on_gives_no_address_and_says_why(lab: Lab, town: Town, rules: Rules) -> None:
    trace = f"h=127.0.0.1\nip={HERE}\nts=1.5\nwarp=on\n"
    services = [
        await town.operator("one", HERE),
        await town.operator("icanhazip", HERE, run_by="Cloudflare"),
        await town.operator("trace", trace, run_by="Cloudflare", parser=Parser.TRACE),
    ]
    lab.configure(lab.host("bot"))
    (answer,) = await ask_hosts([typed_host("bot")], services, ssh(lab), rules=rules)
    assert (answer.address, labels([answer])) == (None, {})
    assert "WARP is on" in answer.sentence()
    assert answer.advice().startswith("Switch WARP off")
    assert [sample.service.name for sample in answer.samples] == ["trace", "one"]


def test_what_ssh_says_is_told_in_words() -> None:
    said = explain_ssh(b"ssh: Could not resolve hostname x: Name or service not known\r\n")
    assert said.kind == "name-not-found"
    odd = explain_ssh(b"something \x1b]52;c;x\a new")
    assert odd.kind == "other"
    assert odd.reason.isprintable()


def test_ssh_is_given_little_of_the_environment() -> None:
    found = find_openssh({"PATH": os.environ["PATH"], "BINANCE_SECRET": "s", "SSH_ASKPASS": "x", "LANG": "de"})
    assert set(found.environ) == {"PATH", "LC_ALL"}


def test_no_host_is_handed_an_agent_or_a_ticket() -> None:
    command = OpenSsh("ssh", {}).command("bot-1")
    assert {"ForwardAgent=no", "GSSAPIDelegateCredentials=no", "ClearAllForwardings=yes"} <= set(command)
    assert command[-2:] == ("--", "bot-1")


def test_advice_is_given_to_those_it_fits(rules: Rules, capsys: pytest.CaptureFixture[str]) -> None:
    run = ScriptRun(b"", b"fatal: unrecognized command", 128)
    git = judge_run(typed_host("git"), run, "N", (), rules=rules, deadline=1.0, milliseconds=1.0)
    assert "exit status 128 (fatal: unrecognized command)" in git.sentence()
    warn_of_hosts([git, HostAnswer(typed_host("flood"), 1.0, trouble=TOO_MUCH)])
    told = capsys.readouterr().err
    assert "Not understood (git): git needs a POSIX shell" in told
    assert "Not understood (flood): flood did not run the question" in told
