"""The table of behaviours: what tests of ``tests/behaviour`` saw on the plain SDK and with us, in one run.

A module ``test_NN_<name>.py`` has the pain as its docstring, whose first line is the title. Its tests take the fixture ``verdict`` and say
``verdict.plain("...")`` and ``verdict.ours("...")`` when their assertions have passed. ``PLAIN_CANNOT`` in a module says why the plain SDK
cannot be asked, ``NOT_HERE`` what part of the behaviour is not in this repository yet.
"""

from __future__ import annotations

import ast
import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "behaviour"
PLAIN, OURS = "behaviour plain", "behaviour ours"


class Verdict:
    """What one test has seen."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item

    def plain(self, text: str) -> None:
        """Say what the plain SDK does."""
        self._item.user_properties.append((PLAIN, text))

    def ours(self, text: str) -> None:
        """Say what ours does."""
        self._item.user_properties.append((OURS, text))


@dataclass
class Module:
    """One behaviour."""

    path: Path
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    plain: set[str] = field(default_factory=set)
    ours: set[str] = field(default_factory=set)

    @property
    def number(self) -> int:
        return int(self.path.name.split("_")[1])

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text())

    @property
    def title(self) -> str:
        first = (ast.get_docstring(self.tree) or "").split("\n")[0].rstrip(".").removeprefix(f"Behaviour {self.number}: ")
        return first[:1].upper() + first[1:]

    def constant(self, name: str) -> str | None:
        """The text of a constant of the module."""
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id == name for target in node.targets):
                return ast.literal_eval(node.value)
        return None

    def calls(self, method: str) -> bool:
        """Whether a test of the module gives such a verdict."""
        return any(isinstance(node, ast.Attribute) and node.attr == method for node in ast.walk(self.tree))

    def row(self) -> str:
        plain = "; ".join(sorted(self.plain)) or self.constant("PLAIN_CANNOT") or "-"
        state = "**fails**" if self.failed or not self.passed else "holds"
        if reason := self.constant("NOT_HERE"):
            state += f"; {reason}"
        if self.skipped:
            state += f"; {self.skipped} could not run"
        cells = (f"[{self.number}](../tests/behaviour/{self.path.name})", self.title, plain, "; ".join(sorted(self.ours)) or "-", state)
        return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def modules() -> list[Module]:
    """Every behaviour that has a module."""
    return [Module(path) for path in sorted(FOLDER.glob("test_[0-9][0-9]_*.py"))]


class Table:
    """Collects the verdicts of a run."""

    def __init__(self, file: str) -> None:
        self._file = Path(file)
        self._modules = {module.path.name: module for module in modules()}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        module = self._modules.get(Path(report.nodeid.split("::")[0]).name)
        if module is None:
            return
        if report.failed:
            module.failed += 1
        elif report.skipped:
            module.skipped += 1
        elif report.when == "call":
            module.passed += 1
            for name, value in report.user_properties:
                if name in (PLAIN, OURS):
                    (module.plain if name == PLAIN else module.ours).add(value)

    def pytest_sessionfinish(self) -> None:
        rows = [module.row() for module in sorted(self._modules.values(), key=lambda module: module.number)]
        self._file.write_text(_HEAD.format(**_versions()) + "\n".join(rows) + "\n")


def _versions() -> dict[str, str]:
    return {"sdk": version("opentelemetry-sdk"), "structlog": version("structlog"), "python": platform.python_version()}


_HEAD = """# Behaviours

Forty things that hurt people who instrument Python agents, each met in several projects, and what happens: with the plain SDK, and with
langswarm-otel. Both columns come from one run of the tests in `tests/behaviour`, whose assertions are behind every cell:

    make behaviours

opentelemetry-sdk {sdk}, structlog {structlog}, Python {python}; order is random in each run. `make test` runs them all.

| | behaviour | the plain SDK | langswarm-otel | |
|---|---|---|---|---|
"""
