"""Our processors in structlog's configuration: a chain of our own where nobody has one, additions to the application's chain otherwise.

Processor lists are changed **in place**. structlog's bound loggers keep a reference to the list that was configured when they were made, so
loggers that were bound or cached before follow; ``structlog.testing.capture_logs`` works for the same reason. What cannot follow: loggers
wrapped with processors of their own, and loggers bound to a list that is no list (a tuple is replaced, for those that come later).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

import structlog
from structlog import dev, processors, stdlib

from langswarm_otel.signals.foreign_handlers import feeds_the_same
from langswarm_otel.signals.log_output import LineLogger
from langswarm_otel.signals.log_processors import MarkEmitted, OTelLogProcessor, add_scope, add_trace_context
from langswarm_otel.signals.otel_logs import MAX_LOGGERS
from langswarm_otel.signals.own_line import OwnLine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from structlog.typing import Processor, WrappedLogger

    from langswarm_otel.signals.log_output import LineOutput
    from langswarm_otel.signals.otel_logs import LogEmitter

_RENDERERS: Final = (processors.JSONRenderer, processors.KeyValueRenderer, processors.LogfmtRenderer, dev.ConsoleRenderer)
_RENDERING_FUNCTIONS: Final = (
    stdlib.render_to_log_kwargs,
    stdlib.render_to_log_args_and_kwargs,
    stdlib.ProcessorFormatter.wrap_for_formatter,
)


class ToOutput:
    """Sends lines on to loggers that are not ours: marked to those of the stdlib.

    Loggers that print to standard output by structlog's default, since they were bound earlier, get nothing: their lines go where all lines
    go.
    """

    def __init__(self, output: LineOutput, mark: MarkEmitted) -> None:
        """Make a processor.

        Args:
            output: where lines go.
            mark: marks what goes on to a stdlib logger.
        """
        self._output = output
        self._mark = mark
        # structlog's default loggers hold what standard output was when structlog was imported.
        self._default = getattr(structlog.PrintLogger(), "_file", None)

    def __call__(self, logger: WrappedLogger, method_name: str, event_dict: Any) -> Any:
        """Return the rendered line, or write it and end the event."""
        if type(logger) is LineLogger:
            return event_dict
        if isinstance(logger, structlog.PrintLogger) and getattr(logger, "_file", None) is self._default:
            self._output.write(event_dict)
            raise structlog.DropEvent
        return self._mark(logger, method_name, event_dict)

    def __deepcopy__(self, memo: dict[int, Any]) -> ToOutput:
        """Return itself, as a function would."""
        return self


def our_chain(emitter: LogEmitter, rendering: tuple[Processor, ...], output: LineOutput) -> list[Processor]:
    """Return the chain that structlog gets where nobody has configured it."""
    return [OwnLine(emitter), *rendering, ToOutput(output, MarkEmitted(emitter))]


def insert_ours(chain: list[Processor], emitter: LogEmitter) -> list[Processor]:
    """Put our processors into a chain of the application's own, each only if it is not there yet.

    They stand right before the renderer, so that a record has what all of the application's processors, redaction among them, have made of
    the event.

    Args:
        chain: changed in place.
        emitter: where records go.

    Returns:
        What was put in.
    """
    place = _place(chain)
    renamed = [each.to for each in chain[:place] if isinstance(each, processors.EventRenamer)]
    added: list[Processor] = [each for each in (add_trace_context, add_scope) if each not in chain]
    if not any(isinstance(each, OTelLogProcessor) or _emits_already(each, emitter) for each in chain):
        added.append(OTelLogProcessor(emitter, event_key=renamed[-1] if renamed else "event"))
    chain[place:place] = added
    if not any(isinstance(each, MarkEmitted) for each in chain):
        mark = MarkEmitted(emitter)
        chain.append(mark)
        added.append(mark)
    return added


def _place(chain: list[Processor]) -> int:
    """Return the index of the renderer: the first that we know, else the last processor."""
    rendering = (index for index, each in enumerate(chain) if isinstance(each, _RENDERERS) or each in _RENDERING_FUNCTIONS)
    return next(rendering, max(0, len(chain) - 1))


def _emits_already(processor: Processor, emitter: LogEmitter) -> bool:
    """Whether a processor is that of ``opentelemetry-instrumentation-structlog`` and feeds the same provider."""
    return type(processor).__module__.startswith("opentelemetry.instrumentation.structlog") and feeds_the_same(processor, emitter)


class Insertion:
    """Our processors in the chain of an application that has configured structlog itself."""

    def __init__(self, emitter: LogEmitter) -> None:
        """Put them in.

        Args:
            emitter: where records go.
        """
        self._before = structlog.get_config()["processors"]
        self._chain = self._before if isinstance(self._before, list) else list(self._before)
        self._added = insert_ours(self._chain, emitter)
        if self._chain is not self._before:
            structlog.configure(processors=self._chain)

    def undo(self) -> None:
        """Take them out again."""
        self._chain[:] = [each for each in self._chain if not any(each is added for added in self._added)]
        if self._chain is not self._before and structlog.get_config()["processors"] is self._chain:
            structlog.configure(processors=self._before)


def emits(processors: Iterable[Processor], emitter: LogEmitter) -> bool:
    """Whether one of some processors hands events to an emitter."""
    return any(getattr(processor, "emitter", None) is emitter or isinstance(processor, OTelLogProcessor) for processor in processors)


_default_lists: Final[deque[tuple[list[Processor], list[Processor]]]] = deque(maxlen=16)
"""structlog's default lists that we have met, each with what stood in it: ``reset_defaults`` makes a new list each time, and loggers that
were bound before keep the one they know."""


class TakeOver:
    """A chain of ours in a structlog that nobody has configured.

    Loggers are not cached on first use: that would save two of twenty microseconds a line and freeze level and output of module-level
    loggers, which a re-configuration could then not reach.
    """

    def __init__(self, chain: list[Processor], output: LineOutput, level: int) -> None:
        """Configure structlog.

        Args:
            chain: processors, from ``our_chain``.
            output: where lines go.
            level: least severe stdlib level that is logged.
        """
        self._before = structlog.get_config()
        self._chain = chain
        present = self._before["processors"]
        if not any(each is present for each, _ in _default_lists):
            _default_lists.append((present, list(present)))
        for processor_list, default in _default_lists:
            if processor_list == default:
                processor_list[:] = chain
        self._ours: dict[str, Any] = {
            "processors": present,
            "wrapper_class": structlog.make_filtering_bound_logger(level),
            "logger_factory": LineLoggerFactory(output),
            "cache_logger_on_first_use": False,
        }
        structlog.configure(**self._ours)

    def undo(self) -> None:
        """Restore structlog's defaults, as far as the application has not changed them meanwhile."""
        for processor_list, default in _default_lists:
            if processor_list == self._chain:
                processor_list[:] = default
        present = structlog.get_config()
        still_ours = {key for key, value in self._ours.items() if present[key] is value}
        if still_ours == set(self._ours):
            structlog.reset_defaults()
        else:
            structlog.configure(**{key: self._before[key] for key in still_ours})


class LineLoggerFactory:
    """Makes the loggers that structlog wraps, one for each name; the first argument of ``get_logger`` is the name."""

    def __init__(self, output: LineOutput) -> None:
        """Make a factory.

        Args:
            output: where lines go.
        """
        self._output = output
        self._loggers: dict[str | None, LineLogger] = {}

    def __call__(self, *args: Any) -> LineLogger:
        """Return the logger of a name; structlog asks at each line of a logger that is not bound."""
        name = args[0] if args and isinstance(args[0], str) else None
        logger = self._loggers.get(name)
        if logger is None:
            if len(self._loggers) >= MAX_LOGGERS:
                self._loggers.clear()
            logger = self._loggers[name] = LineLogger(self._output, name)
        return logger
