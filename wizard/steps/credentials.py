"""The Credentials step: how the key is created on Binance, and where its values go in.

A key in use is imported by the same page: its values are read from a file, or pasted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from wizard.core.clock import utc
from wizard.core.credentials import KeyKind
from wizard.core.errors import WizardError
from wizard.core.secret import Secret
from wizard.core.text import counted
from wizard.core.threads import in_daemon_thread
from wizard.intake.candidates import HeldKey, HeldKeys, site_of
from wizard.intake.paste import IntakeError, Role, pair_problem, read_key
from wizard.intake.private_keys import NEEDS_PASSPHRASE, import_pem
from wizard.intake.sources import ENVIRONMENT, SEVERAL, open_private_key, read_source, search, take
from wizard.rotation.findings import FOR_BOTS
from wizard.rotation.model import Finding, Step
from wizard.rotation.permissions import LABELS, WITHDRAWALS
from wizard.steps import deadlines
from wizard.steps.form import Field, FieldKind, Form
from wizard.steps.presenter import Face, FlowPresenter, StepPresenter
from wizard.steps.simulated_page import Order
from wizard.steps.view import PRIMARY, Action, Instruction, Row, State, View

if TYPE_CHECKING:
    from wizard.custody.records import KeyRecord
    from wizard.exchange.responses import ApiRestrictions
    from wizard.rehearsal.simulated_page import NewKey
    from wizard.rotation.exchange_calls import SignedAnswer
    from wizard.rotation.flow import Flow

IMPORT = "import"
_TYPES = {
    KeyKind.ED25519: (
        "Ed25519",
        "Binance recommends it.",
        "The private key is made here. Only its public half is pasted on Binance.",
        "Bots on python-binance, ccxt or Binance's own libraries can sign with it.",
        "`key-wizard exec` gives it to your bot as BINANCE_PRIVATE_KEY.",
    ),
    KeyKind.HMAC: (
        "HMAC",
        "For bots that read an API key and a secret.",
        "Binance shows the secret once, and you paste it here. Binance calls this type deprecated.",
        "`key-wizard exec` gives it to your bot as BINANCE_API_SECRET.",
    ),
    KeyKind.RSA: (
        "RSA",
        "For bots that need RSA.",
        "The private key of 4096 bits is made here. That takes a few seconds.",
        "`key-wizard exec` gives it to your bot as BINANCE_PRIVATE_KEY.",
    ),
    IMPORT: (
        "Your own",
        "A private key that you have already, Ed25519 or RSA.",
        "It is read from a file or pasted, also when it is encrypted.",
        "The file stays as it is.",
    ),
}
"""For each type its name, what it is for, and what else is said of it."""


def _check(role: Role, typed: Secret) -> None:
    """Return if a value can be one of its role. Raises IntakeError where it cannot."""
    read_key(typed.reveal(), role)[0].wipe()


API_KEY = Field("api_key", "API key", FieldKind.KEY, "paste it, it stays hidden", check=partial(_check, Role.API_KEY))
PASSPHRASE = Field("passphrase", "Its passphrase", FieldKind.PASSWORD, after=NEEDS_PASSPHRASE)
SECRET = Field("secret", "Secret", FieldKind.KEY, "paste it, it stays hidden", check=partial(_check, Role.SECRET))


class CredentialsPresenter(StepPresenter):
    """Has the key pair ready, says what to do on Binance, and stores what Binance shows."""

    STEP = Step.CREDENTIALS
    TITLE = "Create the key on Binance"
    ABOUT: ClassVar[str] = (
        "Create the key on Binance, then enter what Binance shows. It is stored in {place}, read back and compared."
        " With Ed25519 and RSA the private key is made here and stored first."
        " You paste only its public half on Binance."
        " With HMAC Binance shows a secret once. Paste both values, one by one or in one paste."
        " A paste may hold names, as in KEY=… lines or JSON. Typing is not shown."
    )
    TYPES: ClassVar[tuple[str, ...]] = tuple(_TYPES)
    NOTES: ClassVar[str] = "Before you create it"

    def __init__(self, flow: Flow, face: Face) -> None:
        super().__init__(flow, face)
        self.kind = KeyKind.ED25519
        self.entered: dict[str, Secret] = {}
        """Values that were not typed: read from a file, or made on the simulated page. The face takes them over."""
        self._public_pem = ""
        self._confirmed = ""
        """What was said of values of an unusual shape; saving again stores them all the same."""
        self._answer: SignedAnswer | None = None
        self._asked_at = 0.0
        self._problem = ""
        """Why Binance could not be asked for the permissions of the current key."""
        self._stored: Finding | None = None

    # --- what can be done ----------------------------------------------------------------------

    async def begin(self) -> None:
        """Have the key pair ready; lines ask for the current key's permissions at once."""
        pending = self.flow.credentials.pending
        await self._use(pending.kind if pending else self.kind)
        if (current := self.flow.current) and not self.face.is_live:
            doing = f"Asking Binance what {current.name} may do"
            await self.face.attempt(self._ask_permissions, doing, deadlines.call(self.flow.context.pace))

    async def watch(self) -> None:
        """Ask what the current key may do, while the user reads."""
        await self._ask_permissions()
        self.face.show()

    async def _ask_permissions(self) -> None:
        try:
            self._answer = await self.flow.credentials.ask_permissions()
        except WizardError as error:
            self._problem = error.what
        self._asked_at = self.flow.context.clock()

    async def save(self) -> None:
        """Store what was entered, and go on to the probe."""
        form = Form(
            self.TITLE,
            "Enter what Binance shows.",
            self.fields,
            self._store,
            "Save and probe",
            f"Writing to {self.flow.place}, reading back, comparing",
            deadlines.CUSTODY,
            self.entered,
        )
        if await self.face.fill(form) and (stored := self._stored):
            self.forget()
            note = " ".join(filter(None, (stored.observed, stored.advice)))
            self.face.note(note, State.LOOK if stored.advice else State.GOOD)
            await self.advance()

    async def _store(self, api_key: Secret, secret: Secret | None = None) -> None:
        values = [(api_key, Role.API_KEY), *([(secret, Role.SECRET)] if secret is not None else [])]
        read: list[Secret] = []
        notes: list[str] = []
        try:
            for value, role in values:
                cleaned, said = read_key(value.reveal(), role)
                read.append(cleaned)
                notes += said
            self._expect_usual(read, " ".join(notes))
            if len(read) > 1:
                self._stored = await self.flow.credentials.store_hmac(*read)
            else:
                self._stored = await self.flow.credentials.store_pair(read[0], self._public_pem)
        finally:
            for value in read:
                value.wipe()

    def _expect_usual(self, read: list[Secret], notes: str) -> None:
        if len(read) > 1 and (problem := pair_problem(*read)):
            raise IntakeError(problem)
        if notes and notes != self._confirmed:
            self._confirmed = notes
            raise IntakeError(notes, advice="If that is right, save again.")

    async def change_type(self) -> None:
        """Choose another type of key."""
        chosen: list[str] = []
        view = _of_types(self.TYPES, self.flow.current)
        await self.face.visit(partial(KeyTypePresenter, self.flow, view=view, choose=chosen.append))
        if chosen[-1:] == [IMPORT]:
            await self.face.fill(self._private_key_form())
        elif chosen:
            await self._use(KeyKind(chosen[-1]))

    async def _use(self, kind: KeyKind) -> None:
        """Show what a key of this type needs; its pair is stored by the time that it is shown."""
        self._change_kind(kind, "")
        if kind is not KeyKind.HMAC:
            doing = f"Making the key pair and storing it in {self.flow.place}"
            made = await self.face.attempt(
                lambda: self.flow.credentials.public_key(kind), doing, deadlines.CUSTODY + deadlines.FILES
            )
            self._public_pem = made or ""

    def _change_kind(self, kind: KeyKind, public_pem: str) -> None:
        if kind is not self.kind:
            self.forget()
        self.kind, self._public_pem, self._confirmed = kind, public_pem, ""
        self.face.show()

    def _private_key_form(self) -> Form:
        return Form(
            "Import a private key",
            f"Ed25519, or RSA of 2048 to 4096 bits. {self.flow.place.capitalize()} gets a copy.",
            (
                Field("path", "Path of its file", placeholder="~/key.pem", instead_of="pem"),
                Field("pem", "Or the key itself", FieldKind.PEM, "paste it, it stays hidden", instead_of="path"),
                PASSPHRASE,
            ),
            self._import_private_key,
            "Import",
            "Reading the private key",
            deadlines.FILES + deadlines.CUSTODY,
        )

    async def _import_private_key(self, path: str, pem: Secret, passphrase: Secret) -> None:
        given = await in_daemon_thread(partial(open_private_key, path, pem, passphrase), deadlines.FILES)
        try:
            self.flow.credentials.note_source(given.path)
            await self.flow.credentials.import_pair(given.pair)
        finally:
            given.pair.private_pem.wipe()
        self._change_kind(given.pair.kind, given.pair.public_pem)
        self.face.note(given.warning or "The private key is stored.", State.LOOK if given.warning else State.GOOD)

    def order(self) -> Order | None:
        """Return the key that is created on the simulated page."""
        is_ready = self.kind is KeyKind.HMAC or self._public_pem
        return Order(self.kind, self._public_pem, self._take_made) if is_ready else None

    def _take_made(self, made: NewKey) -> None:
        self._take(made.api_key, made.secret if self.kind is KeyKind.HMAC else None)

    def _take(self, api_key: Secret | None, secret: Secret | None) -> None:
        """Keep values until the face takes them over."""
        self.forget()
        self.entered = {name: value for name, value in (("api_key", api_key), ("secret", secret)) if value is not None}
        self.face.show()

    def forget(self) -> None:
        """Overwrite the values that no face has taken over."""
        for value in self.entered.values():
            value.wipe()
        self.entered.clear()

    # --- what is shown -------------------------------------------------------------------------

    @property
    def fields(self) -> tuple[Field, ...]:
        """What a key of this type needs."""
        return self.every_field if self.kind is KeyKind.HMAC else self.every_field[:1]

    @property
    def every_field(self) -> tuple[Field, ...]:
        """What a key of any type needs."""
        return tuple(replace(each, site=self._site) for each in (API_KEY, SECRET))

    @property
    def _site(self) -> str:
        return site_of(self.flow.context.environment)

    def view(self) -> View:
        """Return what to do on Binance, in the order of its page."""
        pending = self.flow.credentials.pending
        stored = (f"{pending.name} is stored already. Another key takes its place.",) if pending else ()
        return View(
            State.EMPTY,
            self.TITLE,
            because=stored,
            corner=self.kind.label,
            instructions=tuple(self._instructions()),
            evidence_title=self.NOTES,
            evidence=tuple(self._evidence()),
            actions=self._actions(),
        )

    def _instructions(self) -> Iterable[Instruction]:
        yield self._where()
        if self.kind is not KeyKind.HMAC:
            is_long = self.kind is KeyKind.RSA and self.face.is_live
            details = ("PgUp and PgDn show all of this page.",) if is_long else ()
            exact = tuple(self._public_pem.splitlines())
            yield Instruction("Paste this public key", exact, "ctrl+p", "copy", details)
        yield self._permissions()
        if whitelist := self.whitelist_to_paste:
            yield Instruction("Restrict access to trusted IPs only", (whitelist,), "ctrl+y", "copy")
        what = "the API key and the secret" if self.kind is KeyKind.HMAC else "the API key"
        yield Instruction(f"Confirm with 2FA, then paste {what} here")

    def _where(self) -> Instruction:
        # What the page calls the other choice is not known for sure.
        path = "Create API" if self.kind is KeyKind.HMAC else "Create API → Self-generated"
        if self.face.page:
            menu = f"On Binance itself it is {path}"
            return Instruction("Open the simulated Binance page", (), "ctrl+o", "open", (menu,))
        page = self.flow.context.environment.site.key_page
        if "api-management" not in page:
            return Instruction(f"Create a key of type {self.kind.label} on {page or 'the page of your site'}")
        return Instruction(f"{page.split('//')[-1].removeprefix('www.')} → {path}")

    def _permissions(self) -> Instruction:
        current = self.flow.current
        if current is None:
            return Instruction("Tick what your bot needs, no more", details=(f"Leave off: {LABELS[WITHDRAWALS]}",))
        known = self._permissions_of(current)
        if known is None:
            said = f"Asking Binance what {current.name} has"
            if self._asked_at:
                said = f"Binance did not say what that is. Look at {current.name} there"
            return Instruction(f"Tick what {current.name} has", details=(said, f"Leave off: {LABELS[WITHDRAWALS]}"))
        in_order = (*LABELS, *(name for name in known if name not in LABELS))
        has = [short_label(name) for name in in_order if known.get(name) and name != WITHDRAWALS]
        return Instruction(
            f"Tick what {current.name} has: {' · '.join(has) or 'nothing'}",
            details=(f"Leave off: {short_label(WITHDRAWALS)}, and all others",),
        )

    @property
    def _restrictions(self) -> ApiRestrictions | None:
        return self._answer.restrictions if self._answer else None

    def _permissions_of(self, current: KeyRecord) -> Mapping[str, bool] | None:
        """Return what Binance says now that the key in use may do; else, once it was asked, what it said last."""
        if known := self._restrictions:
            return known.permissions
        return current.permissions if self._asked_at else None

    def _evidence(self) -> Iterable[Row]:
        current = self.flow.current
        known = self._permissions_of(current) if current else None
        yield from self._changes()
        if known and known.get(WITHDRAWALS) and current:
            yield Row((f"{current.name} may withdraw. Tick that only if your bot withdraws.",), State.LOOK)
        at = utc(self._asked_at)[11:]
        if self._restrictions and current:
            yield Row((f"Binance said at {at} what {current.name} has.",), State.GOOD)
        elif known is not None and current and current.proven_at:
            yield Row((f"Binance said that on {utc(current.proven_at)}. {self._why_unknown()}",), State.LOOK)
        elif current and self._asked_at:
            yield Row((f"Its permissions are unknown. {self._why_unknown()} Asked at {at}.",), State.UNSURE)

    def _changes(self) -> Iterable[Row]:
        current = self.flow.current
        if current and current.kind is KeyKind.HMAC and self.kind is not KeyKind.HMAC:
            yield Row((f"{current.name} is HMAC. {FOR_BOTS}",), State.LOOK)

    def _why_unknown(self) -> str:
        if self._problem:
            return f"{self._problem.rstrip('.')}."
        site = self.flow.context.environment.site
        if self._answer is None or self._answer.accepted:
            return f"{site.name} does not say what it may do."
        return f"{self._answer.diagnose().what.rstrip('.')}."

    def _actions(self) -> tuple[Action, ...]:
        pending = self.flow.credentials.pending
        return (
            Action("save", PRIMARY, "Save and probe", "Stores the key, then tries it.", self.save),
            *self._own_actions(),
            Action("type", "ctrl+t", "Key type", "Chooses another type of key.", self.change_type),
            *self._copies(),
            *(
                [Action("keep", "ctrl+k", f"Keep {pending.name}", "Goes on with the stored key.", self.advance)]
                if pending
                else []
            ),
            *self.page_actions("ctrl+o"),
            self.back_action(),
        )

    def _own_actions(self) -> tuple[Action, ...]:
        return ()

    def _copies(self) -> Iterable[Action]:
        if self.kind is not KeyKind.HMAC and self._public_pem:
            copy = partial(self.face.copy, self._public_pem, "the public key")
            yield Action("key", "ctrl+p", "Copy public key", "Copies the public key.", copy, is_in_footer=False)
        if self.whitelist_to_paste:
            copy = partial(self.face.copy, self.whitelist_to_paste, "the whitelist")
            yield Action("list", "ctrl+y", "Copy whitelist", "Copies the whitelist.", copy, is_in_footer=False)


class ImportPresenter(CredentialsPresenter):
    """Takes over a key that is in use already. Nothing changes on Binance."""

    TITLE = "Enter the key that your bot uses now"
    ABOUT: ClassVar[str] = (
        "The wizard takes over the key that your bot uses now. Nothing changes on Binance."
        " Read it from where it is now, such as a .env file or a bot's configuration. The file stays as it is."
        " Or paste API key and secret. The key is stored in {place}, read back and compared, then it is tried."
    )
    TYPES: ClassVar[tuple[str, ...]] = (KeyKind.HMAC, IMPORT)
    NOTES: ClassVar[str] = "Before you save it"

    def __init__(self, flow: Flow, face: Face) -> None:
        super().__init__(flow, face)
        self.kind = KeyKind.HMAC
        self._found = ""
        """The key that was read last, and from where."""
        self._several: tuple[HeldKey, ...] = ()
        """The keys of which one is to be chosen, without their values."""
        self._said: tuple[str, ...] = ()
        """What was decided while it was read, and what is wrong with its file."""

    async def begin(self) -> None:
        """Have ready what is stored already, else the one key that the usual places hold. Nothing is made."""
        if pending := self.flow.credentials.pending:
            self.kind = pending.kind
            doing = f"Reading what is stored in {self.flow.place}"
            found = await self.face.attempt(self.flow.credentials.stored_public_key, doing, deadlines.CUSTODY)
            self._public_pem = found or ""
            return
        if (looked := await self._search()) is None:
            return
        try:
            one = take(looked, self._site)
        except IntakeError:
            # All values are wiped; the names are to choose from.
            self._several = tuple(each for each in looked.found if not each.refused)
            return
        doing = f"Reading the key from {one.place}"
        await self.face.attempt(lambda: self._accept(one), doing, deadlines.FILES + deadlines.CUSTODY)

    async def watch(self) -> None:
        """There is no other key to ask about."""

    async def _search(self) -> HeldKeys | None:
        look = partial(search, self.flow.context.environ)
        doing = "Looking for a key in the usual places"
        return await self.face.attempt(lambda: in_daemon_thread(look, deadlines.FILES), doing, deadlines.FILES)

    async def read(self) -> None:
        """Read the key from a file or the environment."""
        looked = await self._search()
        places = list(dict.fromkeys(one.path or ENVIRONMENT for one in looked.found)) if looked else []
        for one in looked.found if looked else ():
            one.wipe()
        found = f"A key is in: {', '.join(places)}" if places else "No key is in the usual places"
        place = Field("place", f"Path of the file, or {ENVIRONMENT}", text=(*places, "")[0])
        at_most = deadlines.FILES + deadlines.CUSTODY
        await self.face.fill(
            Form(
                "Read the key from a file",
                f"{found}. Nothing is changed there.",
                (place, PASSPHRASE),
                self._read,
                "Read",
                "Reading it",
                at_most,
            )
        )

        if self._several:
            await self.pick()

    async def _read(self, place: str, passphrase: Secret, name: str = "") -> None:
        self._several = ()
        try:
            held = await in_daemon_thread(partial(read_source, place, self.flow.context.environ), deadlines.FILES)
            one = take(held, self._site, name)
        except IntakeError as error:
            self.flow.credentials.note_source(error.path)
            if error.code != SEVERAL or name:
                raise
            self._several = tuple(each for each in held.found if not each.refused)
            return
        await self._accept(one, passphrase, held.notes)
        said = (one.described(), f"Read from {one.place}.", *self._said)
        self.face.note(" ".join(said), State.LOOK if self._said else State.GOOD)

    async def pick(self) -> None:
        """Choose one of several keys by its names. It is read again then."""
        chosen: list[str] = []
        view = _of_keys(self._several)
        await self.face.visit(partial(ChoicePresenter, self.flow, view=view, choose=chosen.append))
        if not chosen:
            return
        one = self._several[int(chosen[0])]
        read = partial(self._read, one.path or ENVIRONMENT, name=one.name)
        doing, at_most, locked = f"Reading {one.name}", deadlines.FILES + deadlines.CUSTODY, list[str]()

        async def attempt() -> None:
            try:
                await read(passphrase=Secret())
            except WizardError as error:
                if error.code != NEEDS_PASSPHRASE:
                    raise
                locked.append(error.what)

        await self.face.attempt(attempt, doing, at_most)
        if locked:
            asked = Field("passphrase", "Its passphrase", FieldKind.PASSWORD)
            await self.face.fill(Form(locked[0], "Enter its passphrase.", (asked,), read, "Read", doing, at_most))

    async def _accept(self, found: HeldKey, passphrase: Secret | None = None, notes: tuple[str, ...] = ()) -> None:
        """Have the fields hold what was found. A private key is stored first."""
        kind, public = KeyKind.HMAC, ""
        if found.pem is not None:
            try:
                pair = await in_daemon_thread(partial(import_pem, found.pem, passphrase), deadlines.FILES)
            except BaseException:
                found.wipe()
                raise
            found.pem.wipe()
            with pair.private_pem:
                await self.flow.credentials.import_pair(pair)
            kind, public = pair.kind, pair.public_pem
        self.flow.credentials.note_source(found.path)
        self._change_kind(kind, public)
        self._take(found.api_key, found.secret)
        self._found = f"…{found.last_four} is in {found.place}." if found.api_key else ""
        self._said = (*notes, *filter(None, [found.warning]))

    def view(self) -> View:
        """Return the page, with the key that was found first."""
        view = super().view()
        if not self._found:
            return view
        return replace(view, verdict=self._found, because=(*self._said, *view.because))

    def _instructions(self) -> Iterable[Instruction]:
        if self._found:
            yield Instruction("Save it, or read another one", (), "ctrl+r", "read")
        elif self.kind is KeyKind.HMAC:
            yield Instruction("Read it from where it is now: .env, freqtrade, Hummingbot", (), "ctrl+r", "read")
            yield Instruction("Or paste the API key and its secret here")
        else:
            yield Instruction("Choose your private key", (), "ctrl+t", "choose")
            yield Instruction("Paste its API key here")

    def _evidence(self) -> Iterable[Row]:
        yield from (Row((f"{each.listed}.",), State.LOOK) for each in self._several)
        yield Row(("Nothing changes on Binance. The file stays as it is.",))

    def _own_actions(self) -> tuple[Action, ...]:
        about = "Reads the key from a file or the environment."
        pick = Action("pick", "ctrl+g", "Choose a key", "Chooses one of the keys that were found.", self.pick)
        return (Action("read", "ctrl+r", "Read from file", about, self.read), *([pick] if self._several else []))

    def _copies(self) -> Iterable[Action]:
        return ()


class ChoicePresenter(FlowPresenter):
    """Which of these rows. `choose` is given the item of the answer."""

    TITLE = "Which key?"
    ABOUT: ClassVar[str] = (
        "Several keys were found. Names show what each is for. Of a key only the last four characters are shown."
    )

    def __init__(self, flow: Flow, face: Face, view: View, choose: Callable[[str], object]) -> None:
        super().__init__(flow, face)
        self._view = view
        self._choose = choose

    async def choose(self, item: str) -> None:
        """Take one."""
        self._choose(item)
        self.face.leave()

    def view(self) -> View:
        """Return the rows, with what chooses one."""
        choose = Action("use", PRIMARY, "Use it", "Chooses one.", self.choose, is_about_row=True)
        return replace(self._view, actions=(choose, self.back_action()))


class KeyTypePresenter(ChoicePresenter):
    """Which of these types of key, and which bots read which."""

    TITLE = "Which type of key?"
    ABOUT: ClassVar[str] = (
        "A key's type decides what signs for it. Your bot has to support the type that you choose."
        " The whitelist and the permissions are the same for all types."
    )


def _of_types(types: tuple[str, ...], current: KeyRecord | None) -> View:
    """Return the types, each with what it is for."""
    verdict, because = "Your bot has to support the type.", ""
    if current:
        variable = "BINANCE_API_SECRET" if current.kind is KeyKind.HMAC else "BINANCE_PRIVATE_KEY"
        verdict = f"{current.name} is {current.kind.label}."
        because = f"`key-wizard exec` gives it to your bot as {variable}."
    rows = tuple(Row(_TYPES[each][:2], item=each, detail=_TYPES[each][2:]) for each in types)
    return View(State.EMPTY, verdict, because=tuple(filter(None, [because])), rows=rows)


def _of_keys(keys: tuple[HeldKey, ...]) -> View:
    """Return the keys, each by its names."""
    rows = tuple(
        Row((one.name, f"…{one.last_four}" if one.last_four else "", one.site), item=str(number), detail=(one.where,))
        for number, one in enumerate(keys)
    )
    verdict = f"{counted(len(keys), 'key')} were found."
    return View(State.LOOK, verdict, because=("Choose the one of this environment.",), rows=rows)


def short_label(name: str) -> str:
    """Return what a permission is called, in few words."""
    return LABELS.get(name, name).removeprefix("Enable ")
