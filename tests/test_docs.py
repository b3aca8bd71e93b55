"""The code that people read first runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.document import Document
from sybil.parsers.markdown import PythonCodeBlockParser

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_code_blocks_run(page, tmp_path, monkeypatch, capsys):
    """Every Python block of a page runs, in order, in one namespace, in an empty folder."""
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME", "LANGSWARM_OTEL_PRESET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    document = Document.parse(str(page), *Sybil([PythonCodeBlockParser()]).parsers)
    examples = list(document.examples())
    assert len(examples) == len(re.findall(r"^```python$", page.read_text(), flags=re.MULTILINE))
    for example in examples:
        example.evaluate()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Every relative link of a page names a file that exists."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_make_targets_that_are_named_exist():
    """Every ``make`` target that README and CONTRIBUTING name is in the Makefile."""
    named = {target for page in ("README.md", "CONTRIBUTING.md") for target in re.findall(r"make ([a-z-]+)", (ROOT / page).read_text())}
    there = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert named
    assert named <= there
