"""The contract of every place as a table: `python -m tests.custody.contract_table`. It runs the real tests."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout

import pytest

from tests.custody.contract import StoreContract

FILES = (
    *("tests/custody/test_custody_store.py", "tests/custody/test_encrypted_file.py"),
    *("tests/keyring/test_keyring_items.py", "tests/custody/test_openbao.py"),
)
_SIGNS = {"passed": "✓", "failed": "✗", "skipped": "-"}


class Table:
    """Collects what each case came to at each place."""

    def __init__(self) -> None:
        self.places: dict[str, dict[str, str]] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [each for each in items if issubclass(getattr(each, "cls", None) or object, StoreContract)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            _, place, case = report.nodeid.split("::")
            self.places.setdefault(place.removeprefix("Test"), {})[case.removeprefix("test_")] = _SIGNS[report.outcome]

    def lines(self) -> list[str]:
        cases = list(dict.fromkeys(case for found in self.places.values() for case in found))
        widest = max(map(len, cases), default=0)
        rows = [[f"{case:<{widest}}", *(found.get(case, "?") for found in self.places.values())] for case in cases]
        heads = [" " * widest, *self.places]
        return [
            "  ".join(f"{cell:<{len(head)}}" for cell, head in zip(row, heads, strict=True)).rstrip()
            for row in (heads, *rows)
        ]


if __name__ == "__main__":
    table = Table()
    with redirect_stdout(sys.stderr):
        code = pytest.main(list(FILES), plugins=[table])
    print("\n".join(table.lines()))
    sys.exit(code)
