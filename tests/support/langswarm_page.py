"""The table of LangSwarm's modes: what the tests of ``tests/instrumentation/test_matrix.py`` saw, in one run."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import pytest

CELL = "langswarm cell"
"""Name of the property by which a test says what it saw: component, mode, end, text."""

_HEAD = """# LangSwarm, mode by mode

What the instrumentor makes of every way through LangSwarm {version}'s five components, and of every way to end. Each cell is a test of
`tests/instrumentation/test_matrix.py`, and this page is what they saw:

    make langswarm

A cell has the outcome of each span, in the order of the tree (`langswarm.outcome`; `error` is a span status ERROR with `error.type`,
`cancelled` has `error.type` and no status, `abandoned` has neither), then the tokens of the root, input/output, and `partial` where
`langswarm.usage.partial` says that there were more. *Error returned* is what LangSwarm reports in a result, *exception* is raised in the
innermost part (model, tool, storage, step), which LangSwarm mostly turns into a result. A cell that begins with a dash does not exist, and
says why.
"""


def render(seen: dict[tuple[str, str, str], str]) -> str:
    """Return the page for what was seen, by component, mode and end."""
    import langswarm_modes as modes

    lines = [_HEAD.format(version=version("langswarm"))]
    for component in dict.fromkeys(mode.component for mode in modes.MODES):
        lines += [
            f"## {component.capitalize()}",
            "",
            f"| mode | spans | {' | '.join(modes.ENDS)} |",
            "|---|---|" + "---|" * len(modes.ENDS),
        ]
        for mode in modes.MODES:
            if mode.component != component:
                continue
            spans = "<br>".join(_line(line) for line in mode.tree.split("\n"))
            cells = (
                seen.get((component, mode.name, end), mode.cells[end] if mode.cells[end].startswith("- ") else "?") for end in modes.ENDS
            )
            lines.append(f"| `{mode.name}` | {spans} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def _line(line: str) -> str:
    text = line.lstrip()
    return "&nbsp;" * (len(line) - len(text)) + f"`{text}`"


class Page:
    """Collects the cells of a run."""

    def __init__(self, file: str) -> None:
        self._file = Path(file)
        self._seen: dict[tuple[str, str, str], str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, value in report.user_properties if report.when == "call" and report.passed else ():
            if name == CELL:
                component, mode, end, text = value
                self._seen[component, mode, end] = text

    def pytest_sessionfinish(self) -> None:
        self._file.write_text(render(self._seen))
