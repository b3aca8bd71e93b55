"""What the caller tells about a run while it goes: usage, content, errors, chunks, attempts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from langswarm_otel import semconv
from langswarm_otel.components import captured
from langswarm_otel.components.attempts import Attempt
from langswarm_otel.components.counting import counted, counted_usage
from langswarm_otel.components.outcome import error_type as type_of_error
from langswarm_otel.components.streaming import AsyncStream, BothIterable, DualStream, Stream, open_stream
from langswarm_otel.content import gate
from langswarm_otel.content.safe import safe_value
from langswarm_otel.guard import record_fault
from langswarm_otel.usage import NO_USAGE, Usage, usage_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable

    from opentelemetry.context import Context
    from opentelemetry.trace import Span

    from langswarm_otel.signals.telemetry import Telemetry

T = TypeVar("T")


class Reporting:
    """The reports that every run takes; none of them ever raises."""

    input_key: str = semconv.INPUT_MESSAGES
    """Attribute that holds what went in."""

    output_key: str = semconv.OUTPUT_MESSAGES
    """Attribute that holds what came out."""

    telemetry: Telemetry
    span: Span
    """The span of this run, for whatever OpenTelemetry can do and we do not wrap."""

    context: Context
    """What is current inside."""

    start_ns: int = 0
    """Nanoseconds since 1970."""

    finished: bool = False
    """Whether the run is over."""

    _usage: Usage = NO_USAGE
    _usage_of_attempts: Usage = NO_USAGE
    _actual_cost: float | None = None
    _attempt: Attempt | None = None
    _attempts: int = 0
    _reported_error: str | None = None
    _first_chunk_ns: int | None = None
    _last_chunk_ns: int | None = None
    _open_streams: int = 0
    _pieces: list[str] | None = None
    _pieces_length: int = 0

    def now_ns(self) -> int:
        """Return the time of this run's clock, in nanoseconds since 1970."""
        raise NotImplementedError

    def finish(self, error: BaseException | None = None, *, end_ns: int | None = None) -> None:
        """End the run."""
        raise NotImplementedError

    def set_attribute(self, key: str, value: Any) -> None:
        """Put a value on the span: made safe first, dropped if it is content and the gate is closed."""
        try:
            if not gate.is_content_key(key) or self.telemetry.policy.capture_content:
                safe = safe_value(value)
                if safe is not None:
                    self.span.set_attribute(key, safe)
        except Exception as error:  # noqa: BLE001 - the span's or the value's own code ran
            record_fault("set_attribute", error)

    def input(self, content: Any) -> None:
        """Keep what went in (messages, arguments, a query), if the content gate is open; text counts as a message of the user."""
        captured.keep(self, self.input_key, content, "user")

    def output(self, content: Any) -> None:
        """Keep what came out (messages, a result, records), if the content gate is open; text counts as a message of the assistant."""
        captured.keep(self, self.output_key, content, "assistant")

    def output_piece(self, piece: Any) -> None:
        """Keep a piece of what a stream brings out, if the content gate is open; the pieces become one text when the run ends.

        Args:
            piece: text, or anything else, which becomes a line of JSON; None is none.
        """
        try:
            limit = self.telemetry.policy.max_content_length
            # Beyond the budget of one attribute nothing more would be seen; a stream may go on for ever.
            if piece is None or self._pieces_length > limit or not captured.wanted(self):
                return
            if not isinstance(piece, str):
                piece = f"{gate.jsonable(piece, limit)}\n"  # now: what the reader does with it later is not what came out
            self._pieces_length += len(piece)
            if self._pieces is None:
                self._pieces = []
            self._pieces.append(piece)
        except Exception as error:  # noqa: BLE001 - the span's or the item's own code ran
            record_fault("output_piece", error)

    def output_whole(self, pieces: list[str]) -> None:
        """Put the pieces of a stream on the span; called at the end of the run."""
        self.output("".join(pieces))

    def record_error(self, error: BaseException | type[BaseException] | None = None, *, error_type: str | None = None) -> None:
        """Mark the run as failed although nothing is raised, for code that returns its errors.

        Args:
            error: the exception, or its type. Its text is kept only if the content gate is open.
            error_type: the type, where there is no exception; a name, never a message.
        """
        try:
            self._reported_error = type_of_error(error_type or error or semconv.OTHER)
            if isinstance(error, BaseException):
                captured.keep_exception(self, error)
        except Exception as fault:  # noqa: BLE001 - the exception's own code ran
            record_fault("record_error", fault)

    def usage(
        self,
        reported: object = None,
        /,
        *,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        cache_read_tokens: int | None = None,
        cache_write_tokens: int | None = None,
        reasoning_tokens: int | None = None,
    ) -> None:
        """Report the tokens of the call, at any time before it ends; a later number replaces an earlier one.

        Inside of an attempt they are the attempt's, and the call has the sum.

        Args:
            reported: the provider's own usage object or mapping, or a ``Usage``; brought into the meaning below.
            input_tokens: all input, cache included.
            output_tokens: all output, reasoning included.
            cache_read_tokens: part of the input that was read from a prompt cache.
            cache_write_tokens: part of the input that was written to a prompt cache.
            reasoning_tokens: part of the output that was reasoning.
        """
        usage = self.read_usage(reported, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, reasoning_tokens)
        if self._attempt is not None:
            self._attempt.add(usage)
        else:
            self._usage = usage if self._usage is NO_USAGE else self._usage.updated(usage)

    def read_usage(
        self, reported: object, whole_input: object, output: object, cache_read: object, cache_write: object, reasoning: object
    ) -> Usage:
        """Bring a report into one form; nothing raises, and what is no count is left out and is one line in the log.

        Args:
            reported: what the provider reports.
            whole_input: input tokens, as in ``usage``; so are the others.
            output: output tokens.
            cache_read: input tokens read from a prompt cache.
            cache_write: input tokens written to a prompt cache.
            reasoning: output tokens of reasoning.
        """
        try:
            usage = Usage(
                input_tokens=counted(whole_input, "usage"),
                output_tokens=counted(output, "usage"),
                cache_read_tokens=counted(cache_read, "usage"),
                cache_write_tokens=counted(cache_write, "usage"),
                reasoning_tokens=counted(reasoning, "usage"),
            )
            return usage if reported is None else counted_usage(usage_of(reported, self.usage_provider), "usage").updated(usage)
        except Exception as error:  # noqa: BLE001 - what the caller hands us must not fail the call
            record_fault("usage", error)
            return NO_USAGE

    @property
    def usage_provider(self) -> str | None:
        """The provider whose reports of usage this run reads."""
        return None

    def cost(self, amount: float) -> None:
        """Report what the call cost in US dollars, where the provider says so itself; no price table is then asked."""
        try:
            if isinstance(amount, bool) or not isinstance(amount, (int, float)) or not 0 <= amount < float("inf"):
                raise TypeError("amount")  # noqa: TRY301 - handled like what `float` raises
            self._actual_cost = float(amount)
        except Exception as error:  # noqa: BLE001 - an integer that no float can hold, or a number of somebody else's
            record_fault("cost", error)

    @property
    def actual_cost(self) -> float | None:
        """What the provider said that the call cost, in US dollars."""
        return self._actual_cost

    @property
    def total_usage(self) -> Usage:
        """All tokens reported so far, those of failed attempts included."""
        if not self._attempts:
            return self._usage
        usage = self._usage + self._usage_of_attempts
        return usage if self._attempt is None else usage + self._attempt.tokens

    def attempt(self) -> Attempt:
        """Return a block for one attempt of the call: it leaves an event with its own time and outcome."""
        self._attempts += 1
        return Attempt(self, self._attempts)

    def attempted(self, number: int) -> None:
        """Say how often the call has been tried, for hooks that see the tries but are no blocks."""
        self._attempts = max(self._attempts, number)

    def enter_attempt(self, attempt: Attempt) -> None:
        """Let ``usage`` go to this attempt; called by the attempt."""
        self._attempt = attempt

    def leave_attempt(self, attempt: Attempt) -> None:
        """Add the attempt's tokens to the call's; called by the attempt."""
        self._usage_of_attempts = self._usage_of_attempts + attempt.tokens
        if self._attempt is attempt:
            self._attempt = None

    def first_chunk(self) -> None:
        """Say that the first chunk of a stream is here; only the first call counts."""
        if self._first_chunk_ns is None:
            self._first_chunk_ns = self._last_chunk_ns = self.now_ns()

    def chunk(self) -> None:
        """Say that a chunk of a stream is here; ``stream`` does it by itself."""
        before, self._last_chunk_ns = self._last_chunk_ns, self.now_ns()
        if self._first_chunk_ns is None:
            self._first_chunk_ns = self._last_chunk_ns
        elif before is not None:
            self.between_chunks((self._last_chunk_ns - before) / 1e9)

    @property
    def has_streamed(self) -> bool:
        """Whether the run has had a stream."""
        return self._first_chunk_ns is not None or self._open_streams > 0

    def describe_stream(self, attributes: dict[str, Any], *, whole: bool) -> float | None:
        """Say that the run has streamed, and return the seconds to its first chunk; None if nothing has come.

        Args:
            attributes: the span's last attributes, which are added to.
            whole: whether all usage of the stream is known.
        """
        attributes[semconv.REQUEST_STREAM] = True
        if not whole:
            attributes[semconv.USAGE_PARTIAL] = True
        if self._first_chunk_ns is None:
            return None
        seconds = attributes[semconv.RESPONSE_TIME_TO_FIRST_CHUNK] = max(self._first_chunk_ns - self.start_ns, 0) / 1e9
        return seconds

    def between_chunks(self, seconds: float) -> None:
        """Take the time between two chunks; for kinds that measure it."""

    @overload
    def stream(self, iterable: BothIterable[T], *, usage: Callable[[T], object] | None = None) -> DualStream[T]: ...
    @overload
    def stream(self, iterable: Iterable[T], *, usage: Callable[[T], object] | None = None) -> Stream[T]: ...
    @overload
    def stream(self, iterable: AsyncIterable[T], *, usage: Callable[[T], object] | None = None) -> AsyncStream[T]: ...
    def stream(self, iterable: Any, *, usage: Callable[[Any], object] | None = None) -> Any:
        """Return an iterable of the same items that times the chunks and is at work in this run's context only while it makes one.

        Args:
            iterable: what the provider streams; synchronous, asynchronous, or both.
            usage: reads the provider's usage off a chunk, or returns None; what it returns is reported by ``usage``.

        Returns:
            An iterator that passes on everything else of ``iterable``. If it is not read to its end, the run counts as abandoned.
        """
        return open_stream(self, iterable, usage)

    def stream_opened(self) -> None:
        """Count a stream that begins; called by the stream."""
        self._open_streams += 1
        # The time between two streams, those of two attempts, is no time between two chunks.
        self._last_chunk_ns = None

    def stream_ended(self, error: BaseException | None) -> None:
        """Note the end of a stream; called by the stream.

        One that was left early leaves its mark on the run, unless a later one, of the next attempt, is read to its end. One that failed
        leaves the exception.
        """
        if error is None:
            self._open_streams = 0
        elif not isinstance(error, GeneratorExit):
            self._open_streams = max(self._open_streams - 1, 0)
