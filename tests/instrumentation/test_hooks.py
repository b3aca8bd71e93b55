"""Wrapping classes at import and putting them back, on modules made for the purpose."""

import importlib
import inspect
import logging
import sys
import textwrap
from pathlib import Path

import pytest
import wrapt

from langswarm_otel.instrumentation.hooks import Hook, HookSet, HookState

SOURCE = """
    class Base:
        def inherited(self, value, *, other=1):
            "Say what it does."
            return ("inherited", value, other)

    class Target(Base):
        def method(self, value, *, other=1):
            "Say what it does."
            return ("method", value, other)

        async def coroutine(self):
            return "coroutine"

        @staticmethod
        def static(value):
            return ("static", value)
    """


@pytest.fixture
def library(tmp_path, monkeypatch, request):
    """Name of an importable module that nobody has imported yet."""
    name = "hooked_" + "".join(character if character.isalnum() else "_" for character in request.node.name)
    (tmp_path / f"{name}.py").write_text(textwrap.dedent(SOURCE), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    sys.modules.pop(name, None)


@pytest.fixture
def hooks():
    """A set of hooks that is removed afterwards."""
    made = HookSet()
    yield made
    made.remove()


def shout(wrapped, instance, args, kwargs):
    """Wrap the result, so that a test sees whether the wrapper ran."""
    return ("wrapped", wrapped(*args, **kwargs))


def hook(module, attribute="method", owner="Target", wrapper=shout):
    return Hook(module=module, owner=owner, attribute=attribute, wrapper=wrapper)


@pytest.mark.parametrize("first", ["import", "install"])
def test_a_hook_takes_whether_the_module_comes_before_or_after(library, hooks, first):
    """The wrapper runs in either order of import and installation, and the method keeps signature, docstring and kind."""
    if first == "import":
        importlib.import_module(library)
    hooks.install([hook(library), hook(library, "coroutine")])
    target = importlib.import_module(library).Target
    assert target().method(1, other=2) == ("wrapped", ("method", 1, 2))
    assert str(inspect.signature(target.method)) == "(self, value, *, other=1)"
    assert target.method.__doc__ == "Say what it does."
    assert inspect.iscoroutinefunction(target.coroutine)
    assert hooks.states() == (
        HookState(name=f"{library}:Target.method", installed=True),
        HookState(name=f"{library}:Target.coroutine", installed=True),
    )


def test_a_hook_waits_for_its_module_and_imports_nothing(library, hooks):
    """Installing imports nothing; until the import the state is neither installed nor an error."""
    hooks.install([hook(library)])
    assert library not in sys.modules
    assert hooks.states() == (HookState(name=f"{library}:Target.method", installed=False),)


def test_removing_restores_the_identical_objects(library, hooks):
    """Own methods come back as the same objects, and an inherited method is no attribute of the subclass again."""
    module = importlib.import_module(library)
    before = dict(vars(module.Target))
    hooks.install([hook(library), hook(library, "inherited"), hook(library, "static")])
    assert module.Target().inherited(3) == ("wrapped", ("inherited", 3, 1))
    assert module.Target.static(4) == ("wrapped", ("static", 4))
    assert module.Base().inherited(3) == ("inherited", 3, 1)
    hooks.remove()
    after = dict(vars(module.Target))
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)
    assert hooks.states() == ()


def test_installing_again_wraps_once_and_works_after_removal(library, hooks):
    """A second installation changes nothing; one after a removal wraps anew, once, also for a module imported in between."""
    hooks.install([hook(library)])
    hooks.install([hook(library)])
    hooks.remove()
    target = importlib.import_module(library).Target
    assert target().method(1) == ("method", 1, 1)
    for _ in range(2):
        hooks.install([hook(library)])
        assert target().method(1) == ("wrapped", ("method", 1, 1))
        hooks.remove()
        assert target().method(1) == ("method", 1, 1)


def test_what_another_library_wrapped_since_stays(library, hooks):
    """A wrapper of somebody else around ours is not thrown away; ours inside it is idle, also when we install again."""
    target = importlib.import_module(library).Target
    hooks.install([hook(library)])
    wrapt.wrap_function_wrapper(target, "method", lambda wrapped, instance, args, kwargs: ["theirs", wrapped(*args, **kwargs)])
    hooks.remove()
    assert target().method(1) == ["theirs", ("method", 1, 1)]
    hooks.install([hook(library)])
    assert target().method(1) == ("wrapped", ["theirs", ("method", 1, 1)])
    hooks.remove()
    assert target().method(1) == ["theirs", ("method", 1, 1)]


def test_what_another_version_lacks_is_one_line_and_a_state(library, hooks, caplog):
    """A missing class or method leaves the import and the other hooks alone, with one warning that names it and a row for health."""
    hooks.install([hook(library, "gone"), hook(library, "method", owner="Gone"), hook(library)])
    with caplog.at_level(logging.WARNING, logger="langswarm_otel"):
        target = importlib.import_module(library).Target
    assert target().method(1) == ("wrapped", ("method", 1, 1))
    failed = [state for state in hooks.states() if state.error is not None]
    assert [state.name for state in failed] == [f"{library}:Target.gone", f"{library}:Gone.method"]
    assert not any(state.installed for state in failed)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert f"{library}:Target.gone" in lines[0]
    assert f"{library}:Gone.method" in lines[1]


def test_a_class_that_cannot_be_changed_does_not_break_the_import(library, hooks, caplog):
    """Whatever happens while a hook is installed, the import succeeds."""

    class Frozen(type):
        def __setattr__(cls, name, value):
            raise TypeError("this class is closed")

    hooks.install([hook(library, "method", owner="Closed")])
    module_file = importlib.util.find_spec(library).origin
    with Path(module_file).open("a", encoding="utf-8") as file:
        file.write("\nimport builtins\nClosed = builtins.closed_class_of_the_test\n")
    sys.modules["builtins"].closed_class_of_the_test = Frozen("Closed", (), {"method": lambda self: "closed"})
    try:
        module = importlib.import_module(library)
    finally:
        del sys.modules["builtins"].closed_class_of_the_test
    assert module.Closed().method() == "closed"
    (state,) = hooks.states()
    assert state == HookState(name=f"{library}:Closed.method", installed=False, error="TypeError")


def test_a_class_met_at_run_time_is_wrapped_once(library, hooks):
    """A subclass of a wrapped class is left alone, so that one call is observed once; nothing is wrapped unless installed."""
    target = importlib.import_module(library).Target
    assert not hooks.wrap(target, "method", shout)
    hooks.install([])

    class Child(target):
        pass

    assert hooks.wrap(target, "method", shout)
    assert hooks.wrap(Child, "method", shout)
    assert not hooks.wrap(Child, "nowhere", shout)
    assert Child().method(1) == ("wrapped", ("method", 1, 1))
    assert "method" not in vars(Child)
    hooks.remove()
    assert Child().method(1) == ("method", 1, 1)
