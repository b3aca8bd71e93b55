"""What one handle has put in place: pipelines, the operations' telemetry, logging, hooks; and the taking down of it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from typing import TYPE_CHECKING, Any

from opentelemetry import _logs, metrics, propagate, trace

from langswarm_otel import guard, override
from langswarm_otel.components.settling import settle
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.pipelines import declarative, exit_hooks
from langswarm_otel.pipelines.assembly import Pipelines
from langswarm_otel.pipelines.foreign import ForeignProviders, find_foreign
from langswarm_otel.pricing import PriceBook
from langswarm_otel.signals.telemetry import Policy, build_telemetry, silent_telemetry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from langswarm_otel.config import ObservabilityConfig
    from langswarm_otel.pipelines.health import Mode
    from langswarm_otel.signals.telemetry import Telemetry


LOG_FIELDS = (
    *("log_level", "log_format", "log_output", "log_file", "configure_structlog", "capture_content"),
    "max_log_record_attribute_length",
)
"""What logging depends on; see ``signals.log_settings.LogSettings``."""


class Installation:
    """Pipelines with all that hangs on them; the global one lives as long as the process."""

    def __init__(self, config: ObservabilityConfig, *, install_global: bool) -> None:
        """Build everything that does not change; ``apply`` does the rest.

        Args:
            config: the resolved configuration.
            install_global: whether the providers become the process's global ones.

        Raises:
            ConfigurationError: a foreign provider is global and ``on_foreign`` is ``"error"``; or a configuration file is refused.
        """
        self.notes: list[str] = []
        self.handle: object | None = None
        self.mode: Mode = "global" if install_global else "private"
        self.config = config
        self._logging: Any = None
        self._log_settings: tuple[Any, ...] = ()
        self._lock = threading.RLock()
        self.pipelines = Pipelines(config, self._foreign_to_join(config) if install_global else None)
        if install_global and self.mode != "private":
            self._set_global()
        self._silent = silent_telemetry()
        self.telemetry: Telemetry = self._silent

    def _foreign_to_join(self, config: ObservabilityConfig) -> ForeignProviders | None:
        if config.config_file is not None and not config.disabled:
            self.mode = "config_file"
            self._note(
                "the exporters of the configuration file are not ours: what foreign spans and log lines quote passes no content gate"
            )
            return declarative.configure_from_file(config.config_file).joinable()
        foreign = find_foreign(())
        if not foreign or config.disabled:
            return None
        if config.on_foreign == "error":
            raise ConfigurationError(
                "on_foreign",
                "error",
                f"a global provider is set already ({foreign.describe()}); set up one of the two, or use 'join' or 'private'",
            )
        joinable = foreign.joinable() if config.on_foreign == "join" else ForeignProviders()
        self.mode = "joined" if joinable else "private"
        note = f"{'joined' if joinable else 'kept apart from'} the global provider that was there ({foreign.describe()})"
        self.notes.append(note)
        guard.logger.info("telemetry %s", note)
        return joinable

    def _set_global(self) -> None:
        """Make the providers of ours global, for the signals that nobody has claimed."""
        pipelines = self.pipelines
        if pipelines.foreign.tracer is None and not find_foreign(()).tracer:
            trace.set_tracer_provider(pipelines.tracer_provider)
        if pipelines.foreign.meter is None and not find_foreign(()).meter:
            metrics.set_meter_provider(pipelines.meter_provider)
        if pipelines.foreign.logger is None and not find_foreign(()).logger:
            _logs.set_logger_provider(pipelines.logger_provider)

    def apply(self, config: ObservabilityConfig) -> None:
        """Configure or re-configure; on an error everything stays as it was.

        Raises:
            ConfigurationError: a setting is refused.
        """
        with self._lock:
            if not self.pipelines.apply(config):
                guard.logger.warning("telemetry: the former exporters did not take everything in time; health() counts what was dropped")
            self.config = config
            policy = Policy(
                capture_content=config.capture_content,
                capture_user_id=config.capture_user_id,
                user_hash_salt=config.user_hash_salt,
                lookup_spans=config.lookup_spans,
                semconv=config.semconv,
                max_content_length=config.max_attribute_length or 8192,
                prices=PriceBook(config.price_table or {}),
            )
            self.telemetry = build_telemetry(
                self.pipelines.tracer_provider, self.pipelines.meter_provider, self.pipelines.logger_provider, policy
            )
            self._configure_logging(config)
            if self.mode in ("global", "joined") and config.propagators is not None:
                propagate.set_global_textmap(_propagator(config.propagators))
            exit_hooks.close_at_exit(self)
            if config.handle_signals and not exit_hooks.handle_sigterm():
                self._note("SIGTERM is not handled: configure_observability() was not called in the main thread")
            if config.keeps_unsampled and self.pipelines.keep is None:
                self._note("keep_errors and its like do nothing: another tracer provider decides what is recorded")
            if config.instrument:
                self._instrument()

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)
            guard.logger.warning("telemetry: %s", note)

    def missing_logging(self) -> list[str]:
        """Return what the application has taken away from the logging set-up, in words."""
        return [] if self._logging is None or not self.pipelines.alive else self._logging.missing()

    def _configure_logging(self, config: ObservabilityConfig) -> None:
        setup = importlib.import_module("langswarm_otel.signals.log_setup")
        settings = tuple(getattr(config, name) for name in LOG_FIELDS)
        if self._logging is not None and settings == self._log_settings:
            return  # no line falls between two set-ups where none is needed
        before, self._log_settings = self._logging, settings
        self._logging = setup.configure_logging(config, self._resolve_logger_provider, "handle" if self.mode == "private" else "process")
        if before is not None:
            before.undo()

    def _resolve_logger_provider(self) -> Any:
        return self.pipelines.logger_provider if self.pipelines.alive or override.active() is not None else None

    def logger(self) -> Any:
        """Return a structlog logger."""
        if self._logging is not None:
            return self._logging.get_logger()
        return importlib.import_module("langswarm_otel.signals.log_setup").get_logger()

    def _instrument(self) -> None:
        """Instrument LangSwarm if it can be imported; it is not imported here."""
        if importlib.util.find_spec("langswarm") is None:
            return
        try:
            importlib.import_module("langswarm_otel.instrumentation.instrumentor").LangSwarmInstrumentor().instrument()
        except Exception as error:  # noqa: BLE001 - the application must start without its hooks
            guard.record_fault("LangSwarmInstrumentor.instrument", error)

    def hooks(self) -> Iterable[Any]:
        """Return the state of every hook, if the instrumentation has been loaded."""
        module = sys.modules.get("langswarm_otel.instrumentation.hooks")
        return module.hook_states() if module is not None else ()

    def flush(self, timeout_s: float) -> bool:
        """Send everything made so far; True only if all of it was delivered in time."""
        if self.mode == "config_file":
            return self.pipelines.flush_foreign(timeout_s)
        return self.pipelines.flush(timeout_s) if self.pipelines.alive else True

    @property
    def exit_deadline_s(self) -> float:
        """How long the end may take, in seconds."""
        return self.config.shutdown_timeout_s

    def shutdown(self, timeout_s: float) -> bool:
        """Send what is left and stop, within the time; idempotent."""
        return self._close(timeout_s, keep_logging=False)

    def _close(self, timeout_s: float, *, keep_logging: bool) -> bool:
        with self._lock:
            if not self.pipelines.alive:
                return True
            settle()
            self.telemetry = self._silent
            done = self.pipelines.shutdown(timeout_s)
            if self.mode == "config_file":
                done = self.pipelines.shutdown_foreign(timeout_s)
            if self._logging is not None and not keep_logging:
                self._logging.undo()
                self._logging = None
            exit_hooks.forget(self)
            return done

    def close_at_exit(self, timeout_s: float) -> bool:
        """Send what is left; the application's log lines go on to the last, only their way to the exporters ends."""
        return self._close(timeout_s, keep_logging=True)

    def flush_before_drain(self, timeout_s: float) -> bool:
        """Send what there is and mark open spans, since the process has been told to end but still works."""
        # In a thread: the code that the signal has interrupted may hold the lock of a span.
        declarative.within(timeout_s / 4, [self.pipelines.open_spans.mark])
        return self.flush(timeout_s * 3 / 4)

    def after_fork_in_child(self) -> None:
        """Forget what belongs to the parent."""
        self._lock = threading.RLock()
        self.pipelines.after_fork_in_child()


def _propagator(names: tuple[str, ...]) -> Any:
    """Build the propagator that ``OTEL_PROPAGATORS`` names, as the API does at import; the names are validated already."""
    from importlib.metadata import entry_points  # noqa: PLC0415 - costs milliseconds, needed only where propagators are chosen

    from opentelemetry.propagators.composite import CompositePropagator  # noqa: PLC0415

    found = [next(iter(entry_points(group="opentelemetry_propagator", name=name))).load()() for name in names if name != "none"]
    return CompositePropagator(found)
