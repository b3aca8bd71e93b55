"""The page about LangSwarm names every hook."""

from pathlib import Path

import pytest

from langswarm_otel.instrumentation.instrumentor import HOOKS

PAGE = (Path(__file__).parents[2] / "docs" / "langswarm.md").read_text()


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: f"{hook.owner}.{hook.attribute}")
def test_the_page_names_the_hook(hook):
    """By class and method, or, for providers, by class."""
    assert f"`{hook.owner}" in PAGE
    assert hook.attribute in PAGE


def test_the_page_names_no_hook_that_is_not_there():
    """What looks like a hook in the table is one."""
    section = PAGE.split("## What is hooked")[1].split("\n## ")[0]
    hooks = [line.split("|")[2] for line in section.splitlines() if line.startswith("|")]
    named = {word for cell in hooks for word in cell.split("`")[1::2] if "." in word}
    assert named <= {f"{hook.owner}.{hook.attribute}" for hook in HOOKS}
