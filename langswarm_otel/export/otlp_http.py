"""Our OTLP/HTTP exporters, on the SDK's public interfaces: encoded directly to bytes, sent over a kept-alive connection.

They need neither protobuf nor ``requests``. They are usable alone, in the place of OpenTelemetry's own::

    provider.add_span_processor(BatchSpanProcessor(HttpSpanExporter(endpoint="https://collector:4318/v1/traces", compression="gzip")))

The official ones, one setting away, are in ``official_http.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from langswarm_otel.endpoints import check_exact, exact_url
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.export.accounting import SIGNALS
from langswarm_otel.export.answers import Certificates
from langswarm_otel.export.causes import cause_of
from langswarm_otel.export.delivery import Delivery
from langswarm_otel.export.proxies import proxy_for
from langswarm_otel.export.sender import Sender
from langswarm_otel.export.sizes import point_count
from langswarm_otel.guard import logger
from langswarm_otel.late import importing, late, late_name
from langswarm_otel.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opentelemetry.sdk._logs import ReadableLogRecord
    from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricsData
    from opentelemetry.sdk.metrics.view import Aggregation
    from opentelemetry.sdk.trace import ReadableSpan

    from langswarm_otel.export.accounting import Signal
    from langswarm_otel.export.breaker import Breaker
    from langswarm_otel.export.encoding import Group, LogEncoder, MetricEncoder, SpanEncoder
    from langswarm_otel.export.otlp import OtlpSettings
    from langswarm_otel.export.spool_settings import SpoolSettings
    from langswarm_otel.export.transport import Transport

COMPRESSIONS: Final = ("none", "gzip", "deflate")
"""How requests can be packed."""

_DEFAULT: Final[Mapping[str, str]] = {signal: f"http://localhost:4318/v1/{signal}" for signal in SIGNALS}

USER_AGENT: Final = f"langswarm-otel/{__version__}"
"""How we introduce ourselves."""


def _encoding() -> Any:
    return late("langswarm_otel.export.encoding")


class _Http:
    """What the three exporters have in common."""

    _signal: Signal
    _encoder_name: str
    _encoder: Any = None

    _told: str | None = None

    def __init__(
        self,
        settings: OtlpSettings | None = None,
        *,
        endpoint: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 10.0,
        compression: str = "none",
        certificate_file: str | None = None,
        client_certificate_file: str | None = None,
        client_key_file: str | None = None,
        breaker: Breaker | None = None,
        spool: SpoolSettings | None = None,
    ) -> None:
        """Make an exporter; nothing is connected yet. Of the environment, the proxy alone is looked at.

        Args:
            settings: everything that follows, in one value; it then counts alone.
            endpoint: full URL of the signal, used exactly as it is; None is a Collector on this machine.
            headers: sent with each request; their values are never spoken about.
            timeout_s: how long one export with its retries may take, in seconds.
            compression: ``gzip``, ``deflate`` or ``none``.
            certificate_file: PEM file of the authorities that the server's certificate is checked against; None for those of the system.
            client_certificate_file: PEM file of our own certificate, for mutual TLS.
            client_key_file: PEM file of its key.
            breaker: the circuit of the endpoint, if its owner asks ``Breaker.wait_s`` before it exports: what is exported while the circuit
                is open fails at once.
            spool: where to keep on disk what is not taken. Only the queue of this distribution can do with such an exporter.

        Raises:
            ConfigurationError: the endpoint is none, or the compression is unknown.
        """
        if settings is not None:
            endpoint, headers, timeout_s, compression = settings.url, settings.headers, settings.timeout_s, settings.compression
            certificate_file, client_certificate_file = settings.certificate_file, settings.client_certificate_file
            client_key_file = settings.client_key_file
        url = exact_url("endpoint", check_exact("endpoint", endpoint or _DEFAULT[self._signal]), "http/protobuf", insecure=None)
        if compression not in COMPRESSIONS:
            raise ConfigurationError("compression", compression, f"one of {', '.join(COMPRESSIONS)}")
        certificates = Certificates(authorities=certificate_file, own=client_certificate_file, key=client_key_file)
        sent, proxy = _headers(headers or {}, compression), proxy_for(url)

        def connect() -> Transport:
            # The library behind it is a good part of what a program would wait for when it starts.
            with importing():
                make = late_name("langswarm_otel.export.transport", "Transport")
                return cast("Transport", make(url, headers=sent, certificates=certificates, proxy=proxy))

        self._sender: Final = Sender(connect, timeout_s=timeout_s, compression=compression, breaker=breaker, is_kept=spool is not None)
        self.spool: Final = None if spool is None else spool.open(self._signal, url, self._sender)

    @property
    def breaker(self) -> Breaker | None:
        """The circuit of the endpoint, if there is one: whether it is worth trying now."""
        return self._sender.breaker

    @property
    def trouble(self) -> str | None:
        """Why the last attempt did not succeed, if it did not."""
        return self._sender.trouble

    def hurry(self, deadline: float | None, *, may_retry: bool = True) -> None:
        """Let no request begun from now on last beyond a moment of ``time.monotonic``; without ``may_retry``, a failure is final.

        The next batch is tried even while the circuit is open.
        """
        self._sender.hurry(deadline, may_retry=may_retry)
        if self.spool is not None:
            self.spool.hurry(deadline)

    def insist(self) -> None:
        """Try the present or next batch at once, and once even while the circuit is open: somebody waits for a flush."""
        if self.spool is not None:
            self.spool.insist()
        else:
            self._sender.insist()

    def abort(self) -> None:
        """Break the back-off of a running export, and take nothing more; callable from any thread, does not wait."""
        if self.spool is not None:
            self.spool.abort()
        else:
            self._sender.abort()

    def shutdown(self, *_: Any, **__: Any) -> None:
        """Let go of the connection, and take nothing more."""
        if self.spool is not None:
            self.spool.shutdown()
        else:
            self._sender.abort()

    def force_flush(self, timeout_millis: float = 30_000) -> bool:  # noqa: ARG002 - the SDK's interface
        """Return True: nothing is kept here."""
        return True

    def _send(self, body: bytes, units: Callable[[], int], timeout_s: float | None = None) -> Delivery:
        """Send a request, or keep it for later."""
        return self._sender.send(body, timeout_s=timeout_s) if self.spool is None else self.spool.take(body, units())

    def _make_encoder(self) -> Any:
        """Make what encodes, when there is something to encode: a program that starts does not wait for it.

        Not a ``cached_property``: until Python 3.12 that takes a lock, which a child that is forked meanwhile would find taken for ever.
        """
        self._encoder = late_name("langswarm_otel.export.encoding", self._encoder_name)()
        return self._encoder

    def _tell(self, delivery: Delivery) -> bool:
        """Tell people of a failure, once for each cause in a row, and return whether the batch was taken."""
        if delivery.fault is None:
            self._told = None
            return True
        if delivery.cause != self._told:
            self._told = delivery.cause
            logger.warning("%s could not be exported and are lost (%s)", self._signal, delivery.cause)
        return False


def _headers(own: Mapping[str, str], compression: str) -> dict[str, str]:
    """Return what each request carries: a header that the user chose stands in place of the protocol's, whatever its case."""
    protocol = {"Content-Type": "application/x-protobuf", "User-Agent": USER_AGENT}
    if compression != "none":
        protocol["Content-Encoding"] = compression
    chosen = {name.lower() for name in own}
    return {**{name: value for name, value in protocol.items() if name.lower() not in chosen}, **own}


class _Records(_Http):
    """What the exporters of spans and log records have in common: the records are encoded one by one."""

    def encode_one(self, record: Any) -> tuple[Group, bytes]:
        """Encode one record.

        Raises:
            EncodingError: this record cannot be encoded.
        """
        encoder: SpanEncoder | LogEncoder = self._encoder or self._make_encoder()
        return encoder.encode(record)

    def deliver_encoded(self, records: Sequence[tuple[Group, bytes]]) -> Delivery:
        """Export records that ``encode_one`` has encoded, and say what became of them."""
        return self._send(_encoding().assemble(records), lambda: len(records))

    def deliver(self, batch: Sequence[Any], /) -> Delivery:
        """Export a batch and say what became of it."""
        try:
            records = [self.encode_one(record) for record in batch]
        except _encoding().EncodingError as error:
            return Delivery(fault="encode", cause=cause_of(error))
        return self.deliver_encoded(records)


class HttpSpanExporter(_Records, SpanExporter):
    """OTLP/HTTP exporter of spans."""

    _signal = "traces"
    _encoder_name = "SpanEncoder"

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Export a batch."""
        return SpanExportResult.SUCCESS if self._tell(self.deliver(spans)) else SpanExportResult.FAILURE


class HttpLogExporter(_Records, LogRecordExporter):
    """OTLP/HTTP exporter of log records."""

    _signal = "logs"
    _encoder_name = "LogEncoder"

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """Export a batch."""
        return LogRecordExportResult.SUCCESS if self._tell(self.deliver(batch)) else LogRecordExportResult.FAILURE


class HttpMetricExporter(_Http, MetricExporter):
    """OTLP/HTTP exporter of metrics."""

    _signal = "metrics"
    _encoder_name = "MetricEncoder"

    def __init__(
        self,
        settings: OtlpSettings | None = None,
        *,
        preferred_temporality: dict[type, AggregationTemporality] | None = None,
        preferred_aggregation: dict[type, Aggregation] | None = None,
        **options: Any,
    ) -> None:
        """Make an exporter of metrics.

        Args:
            settings: see the exporter of spans, here and for further options.
            preferred_temporality: of each kind of instrument, for a reader of the SDK.
            preferred_aggregation: of each kind of instrument, for a reader of the SDK.
            **options: endpoint, headers and the like.
        """
        MetricExporter.__init__(self, preferred_temporality=preferred_temporality, preferred_aggregation=preferred_aggregation)
        super().__init__(settings, **options)

    def deliver(self, batch: MetricsData, /, timeout_s: float | None = None) -> Delivery:
        """Export a collection of metrics and say what became of it."""
        try:
            encoder: MetricEncoder = self._encoder or self._make_encoder()
            body = encoder.encode(batch)
        except _encoding().EncodingError as error:
            return Delivery(fault="encode", cause=cause_of(error))
        return self._send(body, lambda: point_count(batch), timeout_s)

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **_: Any) -> MetricExportResult:
        """Export a collection of metrics within a time, in milliseconds."""
        return MetricExportResult.SUCCESS if self._tell(self.deliver(metrics_data, timeout_millis / 1000)) else MetricExportResult.FAILURE


_EXPORTERS: Final[Mapping[Signal, Any]] = {"traces": HttpSpanExporter, "metrics": HttpMetricExporter, "logs": HttpLogExporter}


def build(signal: Signal, settings: OtlpSettings, *, breaker: Breaker | None, spool: SpoolSettings | None = None) -> Any:
    """Build the exporter of a signal; see ``otlp.build_otlp``."""
    return _EXPORTERS[signal](settings, breaker=breaker, spool=spool)
