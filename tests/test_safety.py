from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.canaries import leaked
from tests.ordinary_user import ROOT, as_ordinary, only_root, ordinary_python
from wizard.core.safety import redacted_report

REPOSITORY = Path(__file__).parents[1]
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"


def run(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a process made safe; `inherited` and SECRET are its variables."""
    start = (
        f"import os; from wizard.core.safety import *; SECRET = {SECRET!r}; inherited = make_process_safe(os.environ)\n"
    )
    return subprocess.run(
        [sys.executable, "-c", start + code],
        env={**os.environ, **environ},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def printed(code: str, **environ: str) -> str:
    done = run(code, **environ)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_it_imports_neither_textual_nor_httpx() -> None:
    assert printed("import sys; print({'textual', 'rich', 'httpx', 'asyncio'} & sys.modules.keys())") == "set()"


def test_textual_s_variables_are_gone_but_for_five() -> None:
    names = "sorted(n for n in os.environ if n.startswith('TEXTUAL'))"
    environ = {"TEXTUAL": "devtools", "TEXTUAL_LOG": "x", "TEXTUAL_DRIVER": "x", "TEXTUAL_FPS": "9", "TEXTUAL_NEW": "1"}
    assert printed(f"print({names})", **environ) == "['TEXTUAL_FPS']"


@pytest.mark.parametrize(
    ("environ", "answer"),
    [
        ({}, "None None"),
        ({"SSH_CONNECTION": "a"}, "250 20"),
        ({"SSH_TTY": "a", "ESCDELAY": "30", "TEXTUAL_FPS": "5"}, "30 5"),
    ],
)
def test_over_ssh_escape_waits_longer_and_frames_are_fewer(environ: dict[str, str], answer: str) -> None:
    assert printed("print(os.environ.get('ESCDELAY'), os.environ.get('TEXTUAL_FPS'))", **environ) == answer


def test_files_are_the_owner_s_alone(tmp_path: Path) -> None:
    printed(f"open({str(tmp_path / 'file')!r}, 'w').close(); os.mkdir({str(tmp_path / 'directory')!r})")
    assert [path.stat().st_mode & 0o777 for path in sorted(tmp_path.iterdir())] == [0o700, 0o600]


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_DUMPABLE is Linux's")
def test_no_dump_is_written() -> None:
    assert printed("import ctypes; print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))") == "0"


def test_the_core_limit_is_zero() -> None:
    assert printed("import resource; print(resource.getrlimit(resource.RLIMIT_CORE)[0])") == "0"


def test_a_child_can_have_back_what_was_inherited() -> None:
    before = os.umask(0o022)
    try:
        shown = printed("inherited.restore(); print(os.umask(0), inherited.environ['TEXTUAL_LOG'])", TEXTUAL_LOG="mine")
    finally:
        os.umask(before)
    assert shown == f"{0o022} mine"


@pytest.mark.parametrize(
    "code",
    [
        "def fail(value):\n raise ValueError(value)\nfail(SECRET)",
        "try:\n int(SECRET)\nexcept ValueError as error:\n raise RuntimeError('x') from error",
        "try:\n int(SECRET)\nexcept ValueError:\n {}[SECRET]",
        "raise ExceptionGroup(SECRET, [ValueError(SECRET)])",
        "import threading\nt = threading.Thread(target=int, args=(SECRET,)); t.start(); t.join(); raise SystemExit(1)",
        "class Gone:\n def __del__(self): raise ValueError(SECRET)\nGone(); raise SystemExit(1)",
        "import logging\nlogging.getLogger('x').error(SECRET); raise OSError(SECRET)",
        "import logging, io\nlogging.getLogger().addHandler(logging.StreamHandler(io.StringIO()))\n"
        "logging.getLogger().error('%d', SECRET); raise SystemExit(1)",
        "import asyncio\nasync def f(): raise ValueError(SECRET)\nasync def m():\n t = asyncio.ensure_future(f())\n"
        " await asyncio.sleep(0.01)\nasyncio.run(m()); raise SystemExit(1)",
    ],
)
def test_no_way_of_failing_prints_the_secret(code: str) -> None:
    done = run(code)
    assert done.returncode == 1
    assert leaked(SECRET, done.stderr + done.stdout) == []


def test_an_uncaught_error_is_told_by_type_and_place() -> None:
    done = run("def fail():\n raise ValueError(SECRET)\nfail()")
    assert "Internal error: ValueError" in done.stderr
    assert "in fail" in done.stderr


def test_the_report_tells_causes_in_order_and_ends_although_they_form_a_ring() -> None:
    inner = ValueError(SECRET)
    outer = KeyError(SECRET)
    outer.__cause__, inner.__context__ = inner, outer
    lines = redacted_report(outer).splitlines()
    assert lines[:2] == ["Internal error: KeyError", "Caused by: ValueError"]
    assert len(lines) == 3


def test_the_report_leaves_out_a_context_that_was_suppressed() -> None:
    try:
        try:
            raise ValueError
        except ValueError:
            raise KeyError from None
    except KeyError as error:
        assert "ValueError" not in redacted_report(error)


@only_root
@pytest.mark.parametrize(("call", "seen"), [("make_process_safe(os.environ)", "closed"), ("pass", "open")])
def test_a_program_of_the_same_user_that_comes_later_cannot_open_the_memory(call: str, seen: str) -> None:
    victim = (
        f"import os; from wizard.core.safety import make_process_safe; {call}; print(os.getpid(), flush=True); input()"
    )
    spy = (
        "import sys\ntry:\n    open(f'/proc/{sys.argv[1]}/mem', 'rb')\n    print('open')\n"
        "except PermissionError:\n    print('closed')"
    )
    with ordinary_python() as python:
        watched = subprocess.Popen(
            as_ordinary(python, "-c", victim), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        with watched:
            assert watched.stdout is not None
            pid = watched.stdout.readline().strip()
            done = subprocess.run(as_ordinary(python, "-c", spy, pid), capture_output=True, text=True, check=True)
            watched.communicate("\n")
    assert done.stdout.strip() == seen
