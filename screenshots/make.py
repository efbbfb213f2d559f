"""Makes the pictures: every screen at 80x24 and 60x20 as PNG, to be looked at, and a few as SVG, to be compared.

    python -m screenshots.make            into this directory
    python -m screenshots.make DIRECTORY  every screen as SVG, somewhere else

The SVGs are `COMPARED`, which tests/tui/test_screenshots.py checks. The PNGs want Debian's fonts-dejavu-core.
"""

from __future__ import annotations

import asyncio
import re
import sys
import tempfile
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from textual import events
from textual.pilot import Pilot
from textual.widgets import Input, OptionList, Static

from screenshots.scene import PRIVATE_PEM, PictureCustodian, PictureWorld, stage
from wizard.core.credentials import KeyKind
from wizard.core.settings import Place
from wizard.core.text import UNICODE
from wizard.custody.keyring_worker.protocol import State
from wizard.custody.store import PHRASES
from wizard.tui.app import WizardApp
from wizard.tui.screens.dialogs import ConfirmScreen
from wizard.tui.screens.whitelist import EntryRows
from wizard.tui.theme import THEME
from wizard.tui.widgets.secret_field import SecretField

HERE = Path(__file__).parent
SIZES = {"": (80, 24), "-60x20": (60, 20)}
FAMILY = "DejaVu Sans Mono"
FONTS = [Path("/usr/share/fonts/truetype/dejavu") / f"DejaVuSansMono{weight}.ttf" for weight in ("", "-Bold")]
COMPARED = {
    "": ("home", "egress", "whitelist-errors", "credentials-ed25519", "probe", "retire-alive", "summary"),
    "-60x20": ("whitelist-errors",),
}
"""By size, from the walk through a whole rotation: each step once, and the fullest screen in a small window."""
LONGEST_WAIT = 20.0
LOST = "K3y" * 21 + "s"
"""In the shape of a key; nobody's."""


class AllTakenError(Exception):
    """No further picture is wanted."""


class Photographer:
    """Walks the wizard and takes a picture at each stop of a whole rotation.

    Args:
        world: Where the wizard is.
        suffix: The size, as the end of each name.
        directory: Where the pictures go.
        wanted: The only pictures to take; nothing for all. The walk ends after the last of them.
    """

    _pilot: Pilot[int]

    def __init__(self, world: PictureWorld, suffix: str, directory: Path, wanted: Collection[str] = ()) -> None:
        self._world = world
        self._suffix = suffix
        self._directory = directory
        self._wanted = set(wanted)
        self._takes_all = not wanted

    async def prepare(self) -> None:
        """Leave the stage as it is."""

    async def walk(self, pilot: Pilot[int]) -> None:
        """Take the pictures."""
        self._pilot = pilot
        with suppress(AllTakenError):
            await self._walk()

    async def _walk(self) -> None:
        for stop in (
            self._home,
            self._egress,
            self._whitelist,
            self._credentials,
            self._simulated_page,
            self._probe,
            self._retire,
            self._summary,
        ):
            await stop()

    async def _home(self) -> None:
        await self._until("ActionBar", "enter Replace")
        await self._shoot("home")

    async def _egress(self) -> None:
        await self._press("enter")
        await self._until("#verdict", "Observed")
        await self._shoot("egress")
        await self._details()
        await self._press("h")
        await self._until("#next", "Enter asks 2 hosts.")
        await self._shoot("hosts")
        await self._press("escape")

    async def _details(self) -> None:
        await self._press("d")
        await self._until(".title", "Who said what")
        lines = self._pilot.app.screen.query_one(".text", Static)
        # The exchange listens on another port in every run.
        lines.update(re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:40000", str(lines.visual)))
        await self._shoot("egress-details")
        await self._press("escape")

    async def _whitelist(self) -> None:
        await self._press("enter")
        text = "203.0.113.42\n198.51.100.007  # office\n1.2.3.4/24  # bot-2\n192.0.2.9"
        await self._list(text)
        await self._until("#verdict", "to fix")
        await self._shoot("whitelist-errors")
        await self._list("203.0.113.42\n198.51.100.7  # office")
        await self._until("#verdict", "2 addresses")
        await self._press("down")
        await self._shoot("whitelist")

    async def _list(self, text: str) -> None:
        """Paste a list in the place of the one before."""
        self._pilot.app.flow.whitelist.draft = ()
        self._pilot.app.screen.query_one(EntryRows).post_message(events.Paste(text))

    async def _credentials(self) -> None:
        await self._press("ctrl+n")
        await self._shoot("credentials-kind")
        await self._press("down", "enter")
        await self._until("#instructions", "permissions")
        await self._shoot("credentials-hmac")
        await self._press("f6", "down", "down", "enter")
        await self._until(".title", "Import a private key")
        await self._press(*"key.pem")
        await self._when(lambda: self._pilot.app.screen.query_one("#path", Input).value == "key.pem")
        await self._shoot("credentials-import")
        await self._press("escape", "up", "up", "enter")
        await self._world.put_pair(self._pilot.app.flow)  # type: ignore[attr-defined]
        await self._press("f6", "up", "enter")
        await self._until("#public-key", "BEGIN PUBLIC KEY")
        await self._shoot("credentials-ed25519")

    async def _simulated_page(self) -> None:
        await self._press("f4")
        await self._when(lambda: self._pilot.app.screen.query_one("#keys", OptionList).option_count == 1)
        await self._press("n")
        await self._when(lambda: self._pilot.app.screen.query_one("#keys", OptionList).option_count == 2)
        await self._shoot("desk")
        await self._press("t")
        await self._when(lambda: self._pilot.app.screen.query_one("#api-key", SecretField).length == 64)
        await self._shoot("credentials-filled")

    async def _probe(self) -> None:
        await self._press("enter")
        await self._until("#verdict", "works from here")
        await self._shoot("probe")
        await self._press("f1")
        await self._shoot("help")
        await self._press("escape")

    async def _retire(self) -> None:
        await self._press("enter")
        await self._until("#verdict", "still alive")
        self._world.clock.now += 64
        await self._shoot("retire-alive")
        legacy = self._pilot.app.flow.retire.legacy  # type: ignore[attr-defined]
        for key in await self._world.simulated_page.keys():
            if key.api_key.fingerprint() == legacy.name.fingerprint:
                await self._world.simulated_page.delete(key.api_key)
        for count in (1, 2, 3):
            self._world.clock.now += 5
            self._world.gate.open()
            await self._until("#verdict", f"{count} of 3" if count < 3 else "no longer knows")
        await self._shoot("retire-dead")
        await self._press("enter")
        await self._when(lambda: isinstance(self._pilot.app.screen, ConfirmScreen))
        await self._shoot("retire-confirm")
        await self._press("escape", "ctrl+q")
        await self._shoot("leave")
        await self._press("escape", "enter", *"purge", "enter")

    async def _summary(self) -> None:
        await self._when(lambda: bool(self._pilot.app.screen.query("#summary")))
        await self._shoot("summary")

    async def _press(self, *keys: str) -> None:
        await self._pilot.press(*keys)
        await self._pilot.pause()

    async def _until(self, selector: str, text: str) -> None:
        await self._when(
            lambda: any(text in str(widget.visual) for widget in self._pilot.app.screen.query(selector).results(Static))
        )

    async def _when(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(LONGEST_WAIT):
            while not condition():
                await self._pilot.pause(0.02)
        await self._pilot.pause()

    async def _shoot(self, name: str) -> None:
        if not self._takes_all and name not in self._wanted:
            return
        await self._pilot.pause()
        svg = self._pilot.app.export_screenshot(title="Key Wizard", simplify=True)
        (self._directory / f"{name}{self._suffix}.svg").write_text(svg, "utf-8")
        self._wanted.discard(name)
        if not self._takes_all and not self._wanted:
            raise AllTakenError


class LockedPhotographer(Photographer):
    """Takes the pictures of a keyring that is locked."""

    async def prepare(self) -> None:
        """Lock it."""
        self._world.custodian = PictureCustodian(self._directory, State.LOCKED)

    async def _walk(self) -> None:
        await self._until("Notice", "The keyring is locked")
        await self._shoot("home-locked")
        await self._press("u", *"twelve words")
        await self._shoot("unlock")
        await self._press("escape", "v", *"encrypted")
        await self._shoot("encrypted-file")


class BuslessPhotographer(Photographer):
    """Takes the pictures of a login without a session bus."""

    async def prepare(self) -> None:
        """Take the bus away."""
        self._world.custodian = PictureCustodian(self._directory, State.NO_BUS_ADDRESS)

    async def _walk(self) -> None:
        await self._until("Notice", "no session bus")
        await self._shoot("home-without-bus")
        await self._press("s")
        await self._until(".title", "Credentials for a service")
        await self._shoot("service")


class FilePhotographer(Photographer):
    """Takes the pictures of credentials that are kept in the encrypted file."""

    async def prepare(self) -> None:
        """Choose it."""
        self._world.custodian = PictureCustodian(self._directory, State.READY, Place.ENCRYPTED_FILE)
        self._world.place = PHRASES[Place.ENCRYPTED_FILE]

    async def _walk(self) -> None:
        await self._until("ActionBar", "enter Replace")
        await self._shoot("home-encrypted-file")
        await self._press("p", *"seven random words", "enter", *"eight")
        await self._shoot("passphrase")


class AdoptingPhotographer(Photographer):
    """Takes the pictures of a key in use that is read from where it is, and of an imported private key."""

    async def prepare(self) -> None:
        """Put a key in use into the environment's variables."""
        made = await self._world.simulated_page.create(
            "in use", KeyKind.HMAC, "203.0.113.42", enableSpotAndMarginTrading=True
        )
        self._world.has_key_in_use = False
        self._world.environ |= {
            "BINANCE_API_KEY": made.api_key.reveal(),
            "BINANCE_API_SECRET": made.secret.reveal(),
        }

    async def _walk(self) -> None:
        await self._until("ActionBar", "enter Import")
        await self._press("a")
        await self._until("#instructions", "read it from its file")
        await self._import()
        await self._press("f9")
        await self._when(lambda: self._pilot.app.screen.query_one("#places").display)
        await self._shoot("find-key")
        await self._press("tab")
        self._pilot.app.post_message(events.Paste(LOST))
        await self._until("Notice", "looks like a key")
        await self._shoot("find-key-refused")
        await self._press("shift+tab", "enter")
        await self._until("Notice", "Read from the environment")
        await self._shoot("adoption")
        await self._press("enter")
        await self._until("#verdict", "works from here")
        await self._shoot("adoption-probe")

    async def _import(self) -> None:
        await self._press("f6", "down", "enter")
        await self._until(".title", "Import a private key")
        await self._press("tab")
        self._pilot.app.post_message(events.Paste(PRIVATE_PEM))
        await self._when(lambda: self._pilot.app.screen.query_one("#pem", SecretField).length > 0)
        await self._shoot("credentials-import-pasted")
        await self._press("enter")
        await self._until("#public-key", "BEGIN PUBLIC KEY")
        await self._shoot("credentials-imported")


WALKS = (Photographer, LockedPhotographer, BuslessPhotographer, FilePhotographer, AdoptingPhotographer)


async def make(directory: Path) -> None:
    """Write every screen as SVG into `directory`."""
    for suffix in SIZES:
        for photographer in WALKS:
            await _take(photographer, suffix, directory)


async def make_compared(directory: Path) -> None:
    """Write the SVGs that are compared into `directory`."""
    for suffix, wanted in COMPARED.items():
        await _take(Photographer, suffix, directory, wanted)


async def _take(kind: type[Photographer], suffix: str, directory: Path, wanted: Collection[str] = ()) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        async with stage(Path(scratch)) as world:
            photographer = kind(world, suffix, directory, wanted)
            await photographer.prepare()
            app = WizardApp(world, UNICODE, command="key-wizard rehearse")
            app.theme = THEME.name
            async with app.run_test(size=SIZES[suffix]) as pilot:
                await photographer.walk(pilot)


def paint(pictures: Path) -> None:
    """Write a PNG of each SVG into this directory."""
    import resvg_py  # noqa: PLC0415 - only here

    missing = [font for font in FONTS if not font.exists()]
    if missing:
        sys.exit(f"{missing[0]} is missing: apt-get install fonts-dejavu-core")
    for svg in sorted(pictures.glob("*.svg")):
        # Fira Code, which the SVG asks for, has no ✗ and draws ----- as one line.
        text = svg.read_text("utf-8").replace("arial", FAMILY).replace("Fira Code", FAMILY)
        png = resvg_py.svg_to_bytes(
            svg_string=text,
            zoom=1,
            skip_system_fonts=True,
            font_files=[str(font) for font in FONTS],
            monospace_family=FAMILY,
        )
        (HERE / svg.name).with_suffix(".png").write_bytes(bytes(png))


def main() -> None:
    """Make the pictures."""
    if len(sys.argv) > 1:
        asyncio.run(make(Path(sys.argv[1])))
        return
    with tempfile.TemporaryDirectory() as pictures:
        asyncio.run(make(Path(pictures)))
        paint(Path(pictures))
    asyncio.run(make_compared(HERE))


if __name__ == "__main__":
    main()
