"""Parts of the SDK that installed packages offer under a name, loaded or refused; never replaced in silence."""

from __future__ import annotations

import difflib
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, TypeVar

from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator

from langswarm_otel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from importlib.metadata import EntryPoint

T = TypeVar("T")


def build_installed(
    kind: type[T], field: str, name: str, *, group: str, built_in: Iterable[str] = (), arguments: tuple[Any, ...] = ()
) -> T:
    """Make the part that an installed package offers under this name.

    Args:
        kind: what it must be.
        field: the setting that names it, for the message.
        name: what the user wrote.
        group: entry point group of OpenTelemetry in which such parts are offered.
        built_in: names that exist without any package, for the message.
        arguments: what its factory is called with.

    Raises:
        ConfigurationError: nothing is installed under the name, its package fails, or what it makes is of another kind.
    """
    found = _find_installed(field, name, group, built_in)
    try:
        part = found.load()(*arguments)
    except Exception as error:
        raise ConfigurationError(
            field, name, f"{found.value!r} fails with {type(error).__name__}: {error}; mend its argument or its package"
        ) from error
    if not isinstance(part, kind):
        raise ConfigurationError(
            field, name, f"{found.value!r} makes a {type(part).__name__}, which is no {kind.__name__}; name another one"
        )
    return part


def load_installed(field: str, name: str, *, group: str) -> Any:
    """Load what an installed package offers under this name, without calling it.

    Raises:
        ConfigurationError: nothing is installed under the name, or its package cannot be imported.
    """
    found = _find_installed(field, name, group)
    try:
        return found.load()
    except Exception as error:
        raise ConfigurationError(field, name, f"{found.value!r} fails with {type(error).__name__}: {error}; mend its package") from error


def _find_installed(field: str, name: str, group: str, built_in: Iterable[str] = ()) -> EntryPoint:
    found = next(iter(entry_points(group=group, name=name)), None)
    if found is None:
        raise ConfigurationError(field, name, _known_names(name, {*built_in, *(offered.name for offered in entry_points(group=group))}))
    return found


def _known_names(wrong: str, known: set[str]) -> str:
    near = difflib.get_close_matches(wrong.lower(), known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}known are {', '.join(sorted(known))}; others come with a package that offers them"


def build_id_generator(name: str) -> IdGenerator:
    """Make the generator of ids that ``OTEL_PYTHON_ID_GENERATOR`` names; the SDK raises a bare ``RuntimeError`` on a wrong one.

    Raises:
        ConfigurationError: the name is not known or its package fails.
    """
    if name == "random":
        return RandomIdGenerator()
    return build_installed(IdGenerator, "id_generator", name, group="opentelemetry_id_generator", built_in=("random",))  # type: ignore[type-abstract]
