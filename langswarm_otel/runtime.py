"""``configure_observability``: from what the user says to a handle, once or again."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, cast

from langswarm_otel import current, environment, presets
from langswarm_otel.config import FIELD_NAMES, ObservabilityConfig
from langswarm_otel.errors import ConfigurationError

if TYPE_CHECKING:
    from langswarm_otel.environment import Resolved
    from langswarm_otel.installation import Installation
    from langswarm_otel.observability import Observability

_lock = threading.RLock()
_process: Installation | None = None


def configure_observability(
    config_or_preset: ObservabilityConfig | str | None = None, /, *, install_global: bool = True, **overrides: Any
) -> Observability:
    """Build traces, metrics and logs from a preset and return the handle to them.

    Calling it again with an equal configuration returns the same handle; with another one, the new configuration takes the place of the
    old: tracers, meters, loggers, decorators and module-level operations follow, and the former exporters are drained and shut down
    within ``shutdown_timeout_s``. Precedence is argument, environment (``OTEL_*``), preset.

    Args:
        config_or_preset: an ``ObservabilityConfig`` (from ``presets``), the name of a preset, or None for ``"production"``
            (or what ``LANGSWARM_OTEL_PRESET`` names).
        install_global: False gives a private handle that touches no global state; several can live side by side.
        **overrides: fields of ``ObservabilityConfig``.

    Raises:
        ConfigurationError: a setting is wrong; the message names the field, the value and the mend.
    """
    resolved = environment.resolve(_wanted(config_or_preset, overrides))
    _refuse_private_file(resolved, install_global=install_global)
    if not install_global:
        return _handle(_install(resolved.config, install_global=False), resolved)
    global _process  # noqa: PLW0603 - the one installation that owns the process's providers
    with _lock:
        handle = cast("Observability | None", current.current_handle())
        if handle is not None and _serves(handle, resolved):
            return handle
        if _process is None and not resolved.config.disabled:
            _process = _install(resolved.config, install_global=True)
        # Off from the start touches nothing global, so that the providers of others go on.
        new = _handle(_process or _install(resolved.config, install_global=False), resolved)
        current.set_current(new)
        return new


def ensure_providers() -> None:
    """Make our switchable providers the global ones, exporting nothing, where nobody has set any.

    For captures: foreign tracers, meters and loggers can only be captured through providers of ours.
    """
    global _process  # noqa: PLW0603 - see configure_observability
    with _lock:
        if _process is None:
            _process = _install(environment.resolve(presets.testing(on_foreign="private"), {}).config, install_global=True)


def _after_fork_in_child() -> None:
    global _lock  # noqa: PLW0603 - a lock taken by another thread at fork would stay taken
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def _wanted(config_or_preset: ObservabilityConfig | str | None, overrides: dict[str, Any]) -> ObservabilityConfig:
    if not isinstance(config_or_preset, ObservabilityConfig):
        if config_or_preset is not None and not isinstance(config_or_preset, str):
            raise ConfigurationError("config_or_preset", config_or_preset, "give an ObservabilityConfig, or the name of a preset")
        return presets.by_name(config_or_preset, **overrides)
    if not overrides:
        return config_or_preset
    chosen = config_or_preset.explicit
    given = {name: getattr(config_or_preset, name) for name in FIELD_NAMES if name in chosen and name != "preset"}
    return presets.by_name(config_or_preset.preset if "preset" in chosen else None, **{**given, **overrides})


def _refuse_private_file(resolved: Resolved, *, install_global: bool) -> None:
    """A configuration file describes the global providers, so a private handle beside it is a contradiction."""
    path = resolved.config.config_file
    if path is not None and not install_global and not resolved.config.disabled:
        mend = f"OTEL_CONFIG_FILE={path} configures the global providers; unset it, or do without install_global=False"
        raise ConfigurationError("install_global", value=False, mend=mend)


def _serves(handle: Observability, resolved: Resolved) -> bool:
    """Whether a live handle is what an equal configuration would give."""
    alive = handle.running or handle.config.disabled
    return alive and not handle.superseded and handle.config == resolved.config


def _install(config: ObservabilityConfig, *, install_global: bool) -> Installation:
    # Imported once the environment has been checked: the SDK and the API's propagators read it when they are imported, and raise a bare
    # ValueError where it is malformed.
    from langswarm_otel.installation import Installation  # noqa: PLC0415

    return Installation(config, install_global=install_global)


def _handle(installation: Installation, resolved: Resolved) -> Observability:
    if resolved.config.disabled:
        installation.shutdown(resolved.config.shutdown_timeout_s)
    else:
        installation.apply(resolved.config)
    from langswarm_otel.observability import Observability  # noqa: PLC0415 - see _install

    handle = Observability(installation, resolved)
    installation.handle = handle
    return handle
