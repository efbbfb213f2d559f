"""One line being typed inside a text: what stands before it, the line with its caret, what stands after it."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class LineEditor:
    """A part of a text under edit; `whole` is the text as it is now."""

    before: str
    typed: str
    after: str
    caret: int
    """How many characters of `typed` stand before the caret."""
    is_label: bool = False

    @property
    def whole(self) -> str:
        """The text with what is typed in its place."""
        return self.before + self.typed + self.after

    def insert(self, text: str) -> LineEditor:
        """Type at the caret; line ends become blanks, which separate entries as well."""
        line = " ".join(text.split("\n")) if not self.is_label else " ".join(text.split())
        if text.strip() == "" and text:
            line = " "
        typed = self.typed[: self.caret] + line + self.typed[self.caret :]
        return replace(self, typed=typed, caret=self.caret + len(line))

    def press(self, key: str) -> LineEditor | None:
        """Return the line after an editing key, or None where it is not one."""
        at, end = self.caret, len(self.typed)
        if key in {"left", "right", "home", "end"}:
            return replace(self, caret={"left": max(0, at - 1), "right": min(end, at + 1), "home": 0, "end": end}[key])
        if key == "backspace":
            start = max(0, at - 1)
            return replace(self, typed=self.typed[:start] + self.typed[at:], caret=start)
        if key == "delete":
            return replace(self, typed=self.typed[:at] + self.typed[at + 1 :])
        if key == "ctrl+u":
            return replace(self, typed=self.typed[at:], caret=0)
        return None
