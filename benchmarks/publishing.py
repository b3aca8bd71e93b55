"""Keep results in ``docs/``: as JSON, as Markdown, as plots, and in the page that explains them."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from benchmarks import environments, report
from benchmarks.environments import ROOT

FOLDER = ROOT / "docs" / "benchmarks"
PAGE = ROOT / "docs" / "performance.md"
_PLOTS_NEED = ("matplotlib",)


def write(found: dict[str, Any]) -> None:
    """Write ``results.json``, ``results.md`` and the plots, and put the verdicts into ``docs/performance.md``."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "results.json").write_text(json.dumps(_rounded(found), indent=1) + "\n")
    (FOLDER / "results.md").write_text(f"# Results of `make bench`\n\n{report.page(found)}")
    PAGE.write_text(report.embed(PAGE.read_text(), report.page(found), "results"))
    plots = environments.make("plots", _PLOTS_NEED)
    subprocess.run([plots.python, "-m", "benchmarks.plots", FOLDER], cwd=ROOT, check=True)


def _rounded(value: Any) -> Any:
    """Return plain data with numbers of five digits, so that the file is small."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, (list, tuple)) else value
