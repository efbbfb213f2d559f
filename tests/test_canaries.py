"""The search for secrets finds eight characters of one in each form and place, and nothing in what is no secret."""

from __future__ import annotations

import base64
import json
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.canaries import Canaries, Watch, leaked
from wizard.exchange.signing import generate_ed25519

SECRET = 'kD9/x+Wq7=Zt"uB3\\mV5é' * 2
FORMS: dict[str, Callable[[str], bytes]] = {
    "plain": str.encode,
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64, one later": lambda text: base64.b64encode(b"?" + text.encode()),
    "base64, two later": lambda text: base64.b64encode(b"??" + text.encode()),
    "hexadecimal": lambda text: text.encode().hex().encode(),
    "HEXADECIMAL": lambda text: text.encode().hex().upper().encode(),
    "URL": lambda text: quote(text, safe="").encode(),
    "JSON": lambda text: json.dumps(text).encode(),
    "escapes": lambda text: "".join(f"\\u{ord(each):04x}" for each in text).encode(),
    "backwards": lambda text: text.encode()[::-1],
    "UTF-16, little": lambda text: text.encode("utf-16-le"),
    "UTF-16, big": lambda text: text.encode("utf-16-be"),
}


@pytest.mark.parametrize("form", FORMS)
def test_eight_characters_are_found_in_each_form_wherever_they_stand(form: str) -> None:
    canaries = Canaries({"it": SECRET})
    for at in range(len(SECRET) - 7):
        for before in range(4):
            assert canaries.found(b"." * before + FORMS[form](SECRET[at : at + 8]))
    assert canaries.found(FORMS[form](SECRET[:7])) == []


def test_a_private_key_is_found_by_text_and_bytes_and_what_is_public_of_it_is_not() -> None:
    pair, other = generate_ed25519(), generate_ed25519()
    pem = pair.private_pem.reveal()
    seed = base64.b64decode(pem.splitlines()[1])[16:]
    for each in (pem.splitlines()[1][30:38].encode(), seed[3:11], seed.hex().encode()[2:18], seed[5:13].hex().encode()):
        assert leaked(pem, b"." + each)
    assert leaked(pem, pair.public_pem + other.private_pem.reveal() + other.public_pem) == []


def test_a_window_is_found_in_files_their_names_free_pages_and_what_is_seen_of_processes(tmp_path: Path) -> None:
    piece, canaries = SECRET[10:18], Canaries({"it": SECRET})
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "file").write_text(f"x{piece}")
    (tmp_path / f"{piece}-").touch()
    with closing(sqlite3.connect(tmp_path / "database")) as database:
        database.executescript(
            f"PRAGMA secure_delete = OFF; CREATE TABLE held (text); INSERT INTO held VALUES ('{piece}')"
        )
        database.executescript("DELETE FROM held")
    assert {Path(each).name for each in canaries.in_files(tmp_path)} == {"file", f"{piece}-", "database"}
    for words, variable, but, is_found in ((piece, "", b"\0", 1), ("", piece, b"\0", 1), ("", piece, b"/bin/sh\0", 0)):
        with Watch(but) as watch:
            argv = ["/bin/sh", "-c", ": seen; read line", words]
            with subprocess.Popen(argv, env={"V": variable}, stdin=subprocess.PIPE) as process:
                while b": seen" not in watch.seen:
                    time.sleep(0.01)
                process.communicate(b"")
        assert bool(canaries.found(watch.seen)) is bool(is_found)
