"""One line being typed: its text and its caret."""

from __future__ import annotations

from dataclasses import dataclass, replace

from wizard.whitelist import LONGEST_LABEL


@dataclass(frozen=True, slots=True)
class LineEditor:
    """An entry of a list, or its label, while it is typed."""

    typed: str
    caret: int
    """How many characters of `typed` stand before the caret."""
    is_label: bool = False

    @property
    def head(self) -> str:
        """What is typed before the caret."""
        return self.typed[: self.caret]

    @property
    def tail(self) -> str:
        """What is typed behind the caret."""
        return self.typed[self.caret :]

    def insert(self, text: str) -> LineEditor:
        """Type one line at the caret. A label has no line ends, no blank before it, and a longest length."""
        if self.is_label:
            line = " ".join(text.split()) if text.strip() else " "
            line = (line if self.head else line.lstrip())[: LONGEST_LABEL - len(self.typed)]
        else:
            line = text.replace("\t", " ")
        return replace(self, typed=self.head + line + self.tail, caret=self.caret + len(line))

    def press(self, key: str) -> LineEditor | None:
        """Return the line after an editing key, or None where it is not one."""
        at, end = self.caret, len(self.typed)
        if key in {"left", "right", "home", "end"}:
            return replace(self, caret={"left": max(0, at - 1), "right": min(end, at + 1), "home": 0, "end": end}[key])
        if key == "backspace":
            start = max(0, at - 1)
            return replace(self, typed=self.typed[:start] + self.tail, caret=start)
        if key == "delete":
            return replace(self, typed=self.head + self.typed[at + 1 :])
        if key == "ctrl+u":
            return replace(self, typed=self.tail, caret=0)
        return None
