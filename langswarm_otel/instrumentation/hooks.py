"""Wrapping attributes of classes when their modules are imported, and putting them back.

A hook is installed through ``wrapt.register_post_import_hook``, so nothing is imported for its sake, and it does not matter whether
LangSwarm is imported before or after. What cannot be installed (LangSwarm has changed) is one log line and one ``HookState``; it never
breaks the import.
"""

from __future__ import annotations

import inspect
import threading
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import wrapt

from langswarm_otel.guard import logger, record_fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

    Wrapper = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]
    """What ``wrapt`` calls instead: ``(bound original, instance, positional arguments, keyword arguments)``."""

_ABSENT: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """One attribute of one class that we wrap."""

    module: str
    """Dotted name of the module that defines the class."""

    owner: str
    """Name of the class in that module."""

    attribute: str
    """Name of the method."""

    wrapper: Wrapper
    """What runs around the method."""

    @property
    def name(self) -> str:
        """How logs and ``health()`` call the hook."""
        return f"{self.module}:{self.owner}.{self.attribute}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookState:
    """What became of one hook."""

    name: str
    """``module:Class.method``."""

    installed: bool
    """Whether the method is wrapped now; False with no error means that its module has not been imported yet."""

    error: str | None = None
    """Why it could not be installed."""


class Switch:
    """Whether the wrappers of one installation still do anything; a wrapper that cannot be removed is switched off instead."""

    __slots__ = ("on",)

    def __init__(self) -> None:
        self.on = True

    def __call__(self) -> bool:
        """Say whether it is on; ``wrapt`` asks at each call."""
        return self.on


class HookSet:
    """The hooks of one library: installed together, removed together."""

    def __init__(self) -> None:
        self._hooks: tuple[Hook, ...] = ()
        self._lock = threading.RLock()
        self._switch: Switch | None = None
        self._awaited: set[str] = set()
        self._states: dict[str, HookState] = {}
        self._met: weakref.WeakSet[type] = weakref.WeakSet()
        self._instances: weakref.WeakKeyDictionary[Any, dict[str, Any]] = weakref.WeakKeyDictionary()
        self._patched: weakref.WeakKeyDictionary[type, set[str]] = weakref.WeakKeyDictionary()

    def install(self, hooks: Iterable[Hook]) -> None:
        """Wrap what is imported already and wait for the rest; does nothing when installed.

        Args:
            hooks: what to wrap; several may name the same module.
        """
        with self._lock:
            if self._switch is not None:
                return
            self._hooks = tuple(hooks)
            self._switch = Switch()
            self._states = {hook.name: HookState(name=hook.name, installed=False) for hook in self._hooks}
            modules = {hook.module for hook in self._hooks} - self._awaited
            self._awaited |= modules
        for module in modules:
            wrapt.register_post_import_hook(self._on_import, module)

    def remove(self) -> None:
        """Put every attribute back as it was; what another library has wrapped since stays wrapped, and ours in it is idle."""
        with self._lock:
            if self._switch is None:
                return
            self._switch.on = False
            for owner, attributes in list(self._patched.items()):
                for attribute in attributes:
                    _restore(owner, attribute, self._switch)
            for instance, originals in list(self._instances.items()):
                for attribute, original in originals.items():
                    _restore_own(instance, attribute, original, self._switch)
            self._patched.clear()
            self._instances.clear()
            self._met.clear()
            self._states = {}
            self._switch = None

    @property
    def installed(self) -> bool:
        """Whether the hooks are on."""
        return self._switch is not None

    def states(self) -> tuple[HookState, ...]:
        """Return what became of each hook; empty when not installed."""
        with self._lock:
            return tuple(self._states.values())

    def wrap(self, owner: type, attribute: str, wrapper: Wrapper) -> bool:
        """Wrap a method of a class met at run time, once; returns whether our wrapper is on it now.

        A class that inherits a method already wrapped by the same wrapper is left alone, so that one call is observed once.
        """
        # Asked at every run of an agent: without the lock, which a fork could leave taken, once it is done.
        if self._is_wrapped(owner, attribute, wrapper):
            return True
        with self._lock:
            if self._is_wrapped(owner, attribute, wrapper):
                return True
            found = inspect.getattr_static(owner, attribute, _ABSENT)
            if found is _ABSENT or self._switch is None:
                return False
            setattr(owner, attribute, wrapt.FunctionWrapper(found, wrapper, enabled=self._switch))
            self._patched.setdefault(owner, set()).add(attribute)
            return True

    def wrap_instance(self, instance: object, attribute: str, wrapper: Wrapper) -> None:
        """Wrap a method that one object has for itself, once: set on it, or found by its ``__getattr__``, as those of a proxy.

        An object that has no place for attributes, or that nothing can refer to weakly, is left alone.
        """
        own = getattr(instance, "__dict__", None)
        if not isinstance(own, dict) or getattr(own.get(attribute), "_self_enabled", self) is self._switch:
            return  # without the lock, as above
        with self._lock:
            if self._switch is None or getattr(own.get(attribute), "_self_enabled", None) is self._switch:
                return
            found = getattr(instance, attribute, None)
            if callable(found):
                self._instances.setdefault(instance, {})[attribute] = own.get(attribute, _ABSENT)
                own[attribute] = wrapt.FunctionWrapper(found, wrapper, enabled=self._switch)

    def has_met(self, owner: type) -> bool:
        """Say whether a class has been seen to since the hooks were installed; asked at every run of an agent."""
        if owner in self._met:
            return True
        with self._lock:
            if self._switch is not None:
                self._met.add(owner)
        return False

    def _is_wrapped(self, owner: type, attribute: str, wrapper: Wrapper) -> bool:
        found = inspect.getattr_static(owner, attribute, None)
        switch = self._switch
        return switch is not None and getattr(found, "_self_enabled", None) is switch and getattr(found, "_self_wrapper", None) is wrapper

    def _on_import(self, module: ModuleType) -> None:
        """Install the hooks of a module; called by the import system, so nothing may be raised."""
        try:
            self._awaited.discard(module.__name__)
            for hook in self._hooks:
                if hook.module == module.__name__:
                    self._install(hook, module)
        except Exception as error:  # noqa: BLE001 - would make the import of LangSwarm fail
            record_fault("instrumentation.hooks", error)

    def _install(self, hook: Hook, module: ModuleType) -> None:
        if self._switch is None:
            return
        error = None
        try:
            # LangSwarm's `@requires(...)` puts a function in the place of a class whose SDK is optional.
            owner = inspect.unwrap(getattr(module, hook.owner, None))  # type: ignore[arg-type]
            if not isinstance(owner, type):
                error = f"{hook.owner} is no class of this LangSwarm"
            elif not self.wrap(owner, hook.attribute, hook.wrapper):
                error = f"{hook.owner} has no attribute {hook.attribute}"
        except Exception as failure:  # noqa: BLE001 - whatever a changed library does to us
            error = type(failure).__name__
        with self._lock:
            self._states[hook.name] = HookState(name=hook.name, installed=error is None, error=error)
        if error is not None:
            logger.warning("hook %s is not installed: %s", hook.name, error)


def _restore(owner: type, attribute: str, switch: Switch) -> None:
    """Put the original object back, or remove ours where the class had inherited it; a wrapper of someone else stays."""
    present = vars(owner).get(attribute)
    if getattr(present, "_self_enabled", None) is not switch:
        return
    original = present.__wrapped__  # type: ignore[union-attr]
    if any(vars(base).get(attribute) is original for base in owner.__mro__[1:]):
        delattr(owner, attribute)
    else:
        setattr(owner, attribute, original)


def _restore_own(instance: Any, attribute: str, original: Any, switch: Switch) -> None:
    """Put back what one object had for itself."""
    own = instance.__dict__
    if getattr(own.get(attribute), "_self_enabled", None) is not switch:
        return
    if original is _ABSENT:
        del own[attribute]
    else:
        own[attribute] = original


LANGSWARM: Final = HookSet()
"""The hooks on LangSwarm."""


def hook_states() -> tuple[HookState, ...]:
    """Return what became of every hook, for ``health()``."""
    return LANGSWARM.states()
