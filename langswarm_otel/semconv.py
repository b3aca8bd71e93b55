"""The catalogue: every span, metric, attribute and log key that this distribution emits, once.

Code, metric label allow-lists, generated docs and tests derive from it; a rename is one edit here.

GenAI names follow ``open-telemetry/semantic-conventions-genai`` (all of it *Development*). Two generations of client metrics are in
use: ``g1`` is core semantic conventions 1.41 and what ``opentelemetry-util-genai`` 1.3 emits; ``g2`` is the present GenAI repository.
Spans and the agent, tool and workflow metrics are the present ones in every profile. What has no standard is ``langswarm.*``.
Names are literals and never imports of ``opentelemetry.semconv._incubating``, which is frozen and deprecated upstream.
"""

from __future__ import annotations

from typing import Final, Literal

from langswarm_otel.catalogue import InstrumentKind as InstrumentKind  # noqa: PLC0414 - part of the catalogue
from langswarm_otel.catalogue import Metric as Metric  # noqa: PLC0414
from langswarm_otel.catalogue import Profile as Profile  # noqa: PLC0414
from langswarm_otel.catalogue import SpanKindOfOperation as SpanKindOfOperation  # noqa: PLC0414
from langswarm_otel.foreign_content import FOREIGN_CONTENT_KEY_PREFIXES, FOREIGN_CONTENT_KEYS

SCOPE_NAME: Final = "langswarm_otel"
"""Instrumentation scope of everything that our own operations emit."""

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/gen-ai-dev/1.42.0-dev"
"""Schema of the GenAI names below."""

DISTRO_NAME: Final = "langswarm_otel"

# Resource attributes.
SERVICE_NAME: Final = "service.name"
SERVICE_VERSION: Final = "service.version"
SERVICE_NAMESPACE: Final = "service.namespace"
SERVICE_INSTANCE_ID: Final = "service.instance.id"
DEPLOYMENT_ENVIRONMENT_NAME: Final = "deployment.environment.name"
TELEMETRY_DISTRO_NAME: Final = "telemetry.distro.name"
TELEMETRY_DISTRO_VERSION: Final = "telemetry.distro.version"

RESOURCE_ATTRIBUTES: Final[tuple[str, ...]] = (
    *(SERVICE_NAME, SERVICE_VERSION, SERVICE_NAMESPACE, SERVICE_INSTANCE_ID, DEPLOYMENT_ENVIRONMENT_NAME),
    *(TELEMETRY_DISTRO_NAME, TELEMETRY_DISTRO_VERSION),
)
"""What our resource carries beside the SDK's ``telemetry.sdk.*`` and the user's own attributes."""

# GenAI attributes.
OPERATION_NAME: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
RESPONSE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
REQUEST_STREAM: Final = "gen_ai.request.stream"
CONVERSATION_ID: Final = "gen_ai.conversation.id"
AGENT_NAME: Final = "gen_ai.agent.name"
TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_TYPE: Final = "gen_ai.tool.type"
TOOL_CALL_ID: Final = "gen_ai.tool.call.id"
WORKFLOW_NAME: Final = "gen_ai.workflow.name"
DATA_SOURCE_ID: Final = "gen_ai.data_source.id"
MEMORY_STORE_ID: Final = "gen_ai.memory.store.id"
MEMORY_RECORD_COUNT: Final = "gen_ai.memory.record.count"
TOKEN_TYPE: Final = "gen_ai.token.type"  # noqa: S105 - the name of an attribute
TOKEN_MODALITY: Final = "gen_ai.token.modality"  # noqa: S105 - the name of an attribute
USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
USAGE_CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
USAGE_CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
USAGE_REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"

# Other standard attributes.
ERROR_TYPE: Final = "error.type"
EXCEPTION_TYPE: Final = "exception.type"
EXCEPTION_MESSAGE: Final = "exception.message"
EXCEPTION_STACKTRACE: Final = "exception.stacktrace"
USER_ID: Final = "user.id"
USER_HASH: Final = "user.hash"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
CODE_FUNCTION_NAME: Final = "code.function.name"
CODE_STACKTRACE: Final = "code.stacktrace"

# Ours, where no standard exists.
OUTCOME: Final = "langswarm.outcome"
AGENT_ID: Final = "langswarm.agent.id"
TOOL_METHOD: Final = "langswarm.tool.method"
TOOL_SERVER: Final = "langswarm.tool.server"
STEP_NAME: Final = "langswarm.workflow.step.name"
STEP_INDEX: Final = "langswarm.workflow.step.index"
STEP_TYPE: Final = "langswarm.workflow.step.type"
MEMORY_RESULT: Final = "langswarm.memory.result"
SESSION_OPERATION: Final = "langswarm.session.operation"
SESSION_BACKEND: Final = "langswarm.session.backend"
MESSAGE_ROLE: Final = "langswarm.message.role"
COST: Final = "langswarm.gen_ai.usage.cost"
COST_BASIS: Final = "langswarm.cost.basis"
COST_PRICE_TABLE_VERSION: Final = "langswarm.cost.price_table.version"
USAGE_PARTIAL: Final = "langswarm.usage.partial"
ATTEMPTS: Final = "langswarm.attempts"
ATTEMPT_NUMBER: Final = "langswarm.attempt.number"
ATTEMPT_DURATION: Final = "langswarm.attempt.duration"
RUN_INPUT_TOKENS: Final = "langswarm.run.input_tokens"
RUN_OUTPUT_TOKENS: Final = "langswarm.run.output_tokens"
RUN_COST: Final = "langswarm.run.cost"
INTERRUPTED: Final = "langswarm.interrupted"
SAMPLING_KEPT: Final = "langswarm.sampling.kept"
SAMPLING_RATIO: Final = "langswarm.sampling.ratio"
TRACE_ID_OF_LANGSWARM: Final = "langswarm.trace_id"
TIMER_NAME: Final = "langswarm.timer.name"
TAG_PREFIX: Final = "langswarm.tag."
"""Begins the attributes that tags of LangSwarm's own observability become, where there is no better name for them."""

# Content: leaves the process only when the content gate is open.
SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
TOOL_DEFINITIONS: Final = "gen_ai.tool.definitions"
TOOL_CALL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
TOOL_CALL_RESULT: Final = "gen_ai.tool.call.result"
RETRIEVAL_QUERY_TEXT: Final = "gen_ai.retrieval.query.text"
RETRIEVAL_DOCUMENTS: Final = "gen_ai.retrieval.documents"
MEMORY_QUERY_TEXT: Final = "gen_ai.memory.query.text"
MEMORY_RECORDS: Final = "gen_ai.memory.records"

CONTENT_KEYS: Final[frozenset[str]] = frozenset(
    (
        *(SYSTEM_INSTRUCTIONS, INPUT_MESSAGES, OUTPUT_MESSAGES, TOOL_DEFINITIONS, TOOL_CALL_ARGUMENTS, TOOL_CALL_RESULT),
        *(RETRIEVAL_QUERY_TEXT, RETRIEVAL_DOCUMENTS, MEMORY_QUERY_TEXT, MEMORY_RECORDS, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE),
        *FOREIGN_CONTENT_KEYS,
    )
)
"""Attribute keys whose values are message content, tool data or exception text, on our own and on foreign telemetry."""

CONTENT_KEY_PREFIXES: Final[tuple[str, ...]] = ("gen_ai.input.messages.", "gen_ai.output.messages.", *FOREIGN_CONTENT_KEY_PREFIXES)
"""Prefixes of flattened content attributes; ``gen_ai.prompt.name`` and ``gen_ai.prompt.version`` are metadata and exempt."""

CONTENT_KEY_EXEMPTIONS: Final[frozenset[str]] = frozenset({"gen_ai.prompt.name", "gen_ai.prompt.version"})

CONTENT_EVENT_NAMES: Final[tuple[str, ...]] = (
    *("gen_ai.client.inference.operation.details", "gen_ai.system.message", "gen_ai.user.message", "gen_ai.assistant.message"),
    *("gen_ai.tool.message", "gen_ai.developer.message", "gen_ai.function.message", "gen_ai.choice"),
    *("gen_ai.content.prompt", "gen_ai.content.completion"),
)
"""Events (log records) whose *body* is content."""

# Values of ``langswarm.outcome``.
Outcome = Literal["ok", "error", "cancelled", "abandoned"]
OK: Final = "ok"
ERROR: Final = "error"
CANCELLED: Final = "cancelled"
ABANDONED: Final = "abandoned"

# Values of ``gen_ai.operation.name``.
CHAT: Final = "chat"
EMBEDDINGS: Final = "embeddings"
RETRIEVAL: Final = "retrieval"
INVOKE_AGENT: Final = "invoke_agent"
EXECUTE_TOOL: Final = "execute_tool"
INVOKE_WORKFLOW: Final = "invoke_workflow"
WORKFLOW_STEP: Final = "workflow_step"
INFERENCE_OPERATIONS: Final[tuple[str, ...]] = (CHAT, "generate_content", "text_completion", EMBEDDINGS, RETRIEVAL)
MEMORY_OPERATIONS: Final[tuple[str, ...]] = (
    *("create_memory_store", "delete_memory_store", "create_memory", "update_memory", "upsert_memory"),
    *("search_memory", "delete_memory"),
)

OTHER: Final = "_OTHER"
"""The value that an unregistered or too variable name folds to (as ``error.type`` does)."""

# Bucket boundaries, as the conventions give them; seconds and tokens.
SECONDS_OF_CALLS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
SECONDS_OF_AGENTS: Final = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6)
SECONDS_OF_WORKFLOWS: Final = (1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)
TOKENS: Final = tuple(float(4**power) for power in range(14))
CALLS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
RECORDS: Final = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 500.0, 1000.0)

_CLIENT = (OPERATION_NAME, PROVIDER_NAME, REQUEST_MODEL, RESPONSE_MODEL, SERVER_ADDRESS, SERVER_PORT, AGENT_NAME)
_END = (ERROR_TYPE, OUTCOME)


def _histogram(name: str, unit: str, about: str, keys: tuple[str, ...], buckets: tuple[float, ...], gen: str = "always") -> Metric:
    return Metric(name=name, kind="histogram", unit=unit, description=about, attributes=keys, buckets=buckets, generation=gen)  # type: ignore[arg-type]


def _counter(name: str, unit: str, about: str, keys: tuple[str, ...], gen: str = "always") -> Metric:
    return Metric(name=name, kind="counter", unit=unit, description=about, attributes=keys, generation=gen)  # type: ignore[arg-type]


CLIENT_OPERATION_DURATION = _histogram(
    "gen_ai.client.operation.duration", "s", "Time of one GenAI client operation.", (*_CLIENT, *_END), SECONDS_OF_CALLS
)
"""Of all client operations in g1; of embeddings, retrieval and memory, but not of inference, in g2."""

CLIENT_TOKEN_USAGE = _histogram(
    "gen_ai.client.token.usage", "{token}", "Tokens of one call, by type.", (*_CLIENT, TOKEN_TYPE), TOKENS, "g1"
)
CLIENT_TIME_TO_FIRST_CHUNK = _histogram(
    "gen_ai.client.operation.time_to_first_chunk", "s", "Time until the first chunk of a stream.", _CLIENT, SECONDS_OF_CALLS, "g1"
)
CLIENT_TIME_PER_OUTPUT_CHUNK = _histogram(
    "gen_ai.client.operation.time_per_output_chunk", "s", "Time between two chunks of a stream.", _CLIENT, SECONDS_OF_CALLS, "g1"
)
INFERENCE_DURATION = _histogram(
    "gen_ai.client.inference.duration", "s", "Time of one inference.", (*_CLIENT, *_END), SECONDS_OF_CALLS, "g2"
)
INFERENCE_TIME_TO_FIRST_CHUNK = _histogram(
    "gen_ai.client.inference.time_to_first_chunk", "s", "Time until the first chunk of a stream.", _CLIENT, SECONDS_OF_CALLS, "g2"
)
INFERENCE_TIME_PER_OUTPUT_CHUNK = _histogram(
    "gen_ai.client.inference.time_per_output_chunk", "s", "Time between two chunks of a stream.", _CLIENT, SECONDS_OF_CALLS, "g2"
)
INFERENCE_INPUT_TOKENS = _counter(
    "gen_ai.client.inference.usage.input_tokens", "{token}", "Input tokens, cache included.", (*_CLIENT, TOKEN_MODALITY), "g2"
)
INFERENCE_OUTPUT_TOKENS = _counter(
    "gen_ai.client.inference.usage.output_tokens", "{token}", "Output tokens, reasoning included.", (*_CLIENT, TOKEN_MODALITY), "g2"
)
INFERENCE_CACHE_READ_TOKENS = _counter(
    "gen_ai.client.inference.usage.cache_read.input_tokens", "{token}", "Input tokens read from a cache.", (*_CLIENT, TOKEN_MODALITY), "g2"
)
INFERENCE_CACHE_WRITE_TOKENS = _counter(
    "gen_ai.client.inference.usage.cache_write.input_tokens",
    "{token}",
    "Input tokens written to a cache.",
    (*_CLIENT, TOKEN_MODALITY),
    "g2",
)
INFERENCE_REASONING_TOKENS = _counter(
    "gen_ai.client.inference.usage.reasoning.output_tokens", "{token}", "Output tokens of reasoning.", (*_CLIENT, TOKEN_MODALITY), "g2"
)
INFERENCE_OPERATION_INPUT_TOKENS = _histogram(
    "gen_ai.client.inference.operation.input_tokens", "{token}", "Input tokens of one inference.", _CLIENT, TOKENS, "g2"
)
INFERENCE_OPERATION_OUTPUT_TOKENS = _histogram(
    "gen_ai.client.inference.operation.output_tokens", "{token}", "Output tokens of one inference.", _CLIENT, TOKENS, "g2"
)
AGENT_DURATION = _histogram(
    "gen_ai.invoke_agent.duration", "s", "Time of one agent run.", (AGENT_NAME, REQUEST_MODEL, *_END), SECONDS_OF_AGENTS
)
AGENT_INFERENCE_CALLS = _histogram(
    "gen_ai.invoke_agent.inference_calls", "{inference_call}", "Inferences that one agent run made itself.", (AGENT_NAME,), CALLS
)
AGENT_TOOL_CALLS = _histogram(
    "gen_ai.invoke_agent.tool_calls", "{tool_call}", "Tool calls that one agent run made itself.", (AGENT_NAME,), CALLS
)
TOOL_DURATION = _histogram(
    "gen_ai.execute_tool.duration", "s", "Time of one tool call.", (TOOL_NAME, TOOL_TYPE, AGENT_NAME, *_END), SECONDS_OF_CALLS
)
WORKFLOW_DURATION = _histogram(
    "gen_ai.invoke_workflow.duration", "s", "Time of one workflow run.", (WORKFLOW_NAME, *_END), SECONDS_OF_WORKFLOWS
)
STEP_DURATION = _histogram(
    "langswarm.workflow.step.duration", "s", "Time of one workflow step.", (WORKFLOW_NAME, STEP_NAME, *_END), SECONDS_OF_AGENTS
)
OPERATION_ERRORS = _counter(
    "langswarm.operation.errors",
    "{error}",
    "Operations that ended with an error, of each that has ended, so from 0 on.",
    (
        *(OPERATION_NAME, PROVIDER_NAME, REQUEST_MODEL, AGENT_NAME, TOOL_NAME, WORKFLOW_NAME, STEP_NAME, MEMORY_STORE_ID),
        *(CODE_FUNCTION_NAME, TIMER_NAME),
    ),
)
"""Beside the durations, whose series with an ``error.type`` begin with their first error: ``rate`` and ``increase`` of Prometheus never see
the first value of a series. This one is there, at 0, since an operation of its names ended for the first time."""
GEN_AI_COST = _counter(
    "langswarm.gen_ai.cost", "{USD}", "Cost of inference in US dollars.", (PROVIDER_NAME, REQUEST_MODEL, AGENT_NAME, COST_BASIS)
)
COST_UNPRICED = _counter(
    "langswarm.cost.unpriced", "{operation}", "Inferences whose model has no known price.", (PROVIDER_NAME, REQUEST_MODEL, AGENT_NAME)
)
SESSION_MESSAGES = _counter("langswarm.session.messages", "{message}", "Messages of sessions, by role.", (MESSAGE_ROLE,))
SESSION_DURATION = _histogram("langswarm.session.duration", "s", "Time from start to end of a session.", _END, SECONDS_OF_WORKFLOWS)
SESSION_ACTIVE = Metric(
    name="langswarm.session.active", kind="updowncounter", unit="{session}", description="Sessions open now.", attributes=()
)
SESSION_OPERATION_DURATION = _histogram(
    "langswarm.session.operation.duration", "s", "Time of one operation on a session.", (SESSION_OPERATION, *_END), SECONDS_OF_CALLS
)
MEMORY_LOOKUPS = _counter("langswarm.memory.lookups", "{lookup}", "Memory lookups, by result.", (MEMORY_STORE_ID, MEMORY_RESULT))
MEMORY_RECORDS_FOUND = _histogram(
    "langswarm.memory.records", "{record}", "Records of one memory operation.", (OPERATION_NAME, MEMORY_STORE_ID), RECORDS
)
FUNCTION_DURATION = _histogram(
    "langswarm.function.duration", "s", "Time of one traced function.", (CODE_FUNCTION_NAME, *_END), SECONDS_OF_CALLS
)
TIMER_DURATION = _histogram("langswarm.timer.duration", "s", "Time of one timed block.", (TIMER_NAME, *_END), SECONDS_OF_CALLS)

METRICS: Final[tuple[Metric, ...]] = tuple(value for value in tuple(globals().values()) if isinstance(value, Metric))
"""Every metric of operations, in the order above."""

# The state of our own pipeline, as OpenTelemetry's conventions for SDKs define it; ``pipelines/own_metrics.py`` says what counts where.
COMPONENT_NAME: Final = "otel.component.name"
COMPONENT_TYPE: Final = "otel.component.type"
_PART = (COMPONENT_NAME, COMPONENT_TYPE)
_EXPORTER = (*_PART, SERVER_ADDRESS, SERVER_PORT)


def _own(name: str, kind: InstrumentKind, unit: str, about: str, keys: tuple[str, ...]) -> Metric:
    return Metric(name=name, kind=kind, unit=f"{{{unit}}}", description=about, attributes=keys)


PIPELINE_METRICS: Final[dict[str, tuple[Metric, ...]]] = {
    signal: (
        _own(f"otel.sdk.processor.{word}.processed", "counter", unit, "Passed on to the exporter, or lost before.", (*_PART, ERROR_TYPE)),
        _own(f"otel.sdk.processor.{word}.queue.size", "updowncounter", unit, "Waiting in memory.", _PART),
        _own(f"otel.sdk.exporter.{word}.exported", "counter", unit, "Taken by the endpoint, or lost.", (*_EXPORTER, ERROR_TYPE)),
        _own(f"otel.sdk.exporter.{word}.inflight", "updowncounter", unit, "With the exporter: being sent, or on disk.", _EXPORTER),
        _own(f"langswarm.exporter.{word}.spooled", "updowncounter", unit, "Of these, on disk.", _EXPORTER),
    )
    for signal, word, unit in (
        ("traces", "span", "span"),
        ("logs", "log", "log_record"),
        ("metrics", "metric_data_point", "data_point"),
    )
}
"""By signal: processed, queue size, exported, in flight, spooled."""


_RUN = (RUN_INPUT_TOKENS, RUN_OUTPUT_TOKENS, RUN_COST)
_USAGE = (USAGE_INPUT_TOKENS, USAGE_OUTPUT_TOKENS, USAGE_CACHE_READ_TOKENS, USAGE_CACHE_WRITE_TOKENS, USAGE_REASONING_TOKENS)
_SPENT = (*_USAGE, USAGE_PARTIAL, COST, COST_BASIS, COST_PRICE_TABLE_VERSION)
_CALL = (
    *(OPERATION_NAME, PROVIDER_NAME, REQUEST_MODEL, RESPONSE_MODEL, RESPONSE_ID, RESPONSE_FINISH_REASONS, REQUEST_STREAM, AGENT_NAME),
    *(RESPONSE_TIME_TO_FIRST_CHUNK, SERVER_ADDRESS, SERVER_PORT),
    *(INPUT_MESSAGES, OUTPUT_MESSAGES, SYSTEM_INSTRUCTIONS, TOOL_DEFINITIONS),
)
EVERY_SPAN: Final[tuple[str, ...]] = (
    *(CONVERSATION_ID, USER_HASH, USER_ID, OUTCOME, ERROR_TYPE, ATTEMPTS, INTERRUPTED, SAMPLING_KEPT, SAMPLING_RATIO),
    *(*_RUN, *_SPENT),
)
"""Keys that any span of ours may carry; the first three also stand on foreign spans below a session, those of sampling on foreign spans
too. Tokens and cost stand on the span that made the call, which is nearly always an inference."""


def _span(operation: str, name: str, kind: Literal["CLIENT", "INTERNAL"], *keys: str) -> SpanKindOfOperation:
    return SpanKindOfOperation(operation=operation, name=name, kind=kind, attributes=keys)


_TOOL_KEYS = (
    OPERATION_NAME,
    TOOL_NAME,
    TOOL_TYPE,
    TOOL_METHOD,
    TOOL_SERVER,
    TOOL_CALL_ID,
    AGENT_NAME,
    TOOL_CALL_ARGUMENTS,
    TOOL_CALL_RESULT,
)
_MEMORY_KEYS = (OPERATION_NAME, MEMORY_STORE_ID, MEMORY_RECORD_COUNT, MEMORY_RESULT, AGENT_NAME, MEMORY_QUERY_TEXT, MEMORY_RECORDS)
_AGENT_KEYS = (
    *(OPERATION_NAME, AGENT_NAME, AGENT_ID, TRACE_ID_OF_LANGSWARM, REQUEST_MODEL, REQUEST_STREAM, RESPONSE_TIME_TO_FIRST_CHUNK),
    *(INPUT_MESSAGES, OUTPUT_MESSAGES, SYSTEM_INSTRUCTIONS),
)
_SESSION_KEYS = (SESSION_OPERATION, SESSION_BACKEND, PROVIDER_NAME, REQUEST_MODEL, MEMORY_RESULT)
_STEP_KEYS = (WORKFLOW_NAME, STEP_NAME, STEP_INDEX, STEP_TYPE, INPUT_MESSAGES, OUTPUT_MESSAGES)
_WORKFLOW_KEYS = (OPERATION_NAME, WORKFLOW_NAME, INPUT_MESSAGES, OUTPUT_MESSAGES)

SPANS: Final[tuple[SpanKindOfOperation, ...]] = (
    _span(CHAT, "{gen_ai.operation.name} {gen_ai.request.model}", "CLIENT", *_CALL),
    _span(EMBEDDINGS, "embeddings {gen_ai.request.model}", "CLIENT", *_CALL),
    _span(RETRIEVAL, "retrieval {gen_ai.data_source.id}", "CLIENT", *_CALL, DATA_SOURCE_ID, RETRIEVAL_QUERY_TEXT, RETRIEVAL_DOCUMENTS),
    _span(INVOKE_AGENT, "invoke_agent {gen_ai.agent.name}", "INTERNAL", *_AGENT_KEYS),
    _span(EXECUTE_TOOL, "execute_tool {gen_ai.tool.name}", "INTERNAL", *_TOOL_KEYS),
    _span("memory", "{gen_ai.operation.name}", "INTERNAL", *_MEMORY_KEYS),
    _span("session", "{langswarm.session.operation}", "INTERNAL", *_SESSION_KEYS),
    _span(INVOKE_WORKFLOW, "invoke_workflow {gen_ai.workflow.name}", "INTERNAL", *_WORKFLOW_KEYS),
    _span(WORKFLOW_STEP, "workflow_step {langswarm.workflow.step.name}", "INTERNAL", *_STEP_KEYS),
    _span("function", "{code.function.name}", "INTERNAL", CODE_FUNCTION_NAME),
)
"""Every kind of span that we make."""

EVENT_ATTEMPT: Final = "langswarm.attempt"
"""Span event that one attempt of a retried call leaves."""
EVENT_LOG: Final = "langswarm.log"
"""Span event that ``add_span_log`` of LangSwarm's own observability leaves."""
LOG_MESSAGE: Final = "langswarm.log.message"
"""What it says."""

# Keys of a structured log line.
LOG_TRACE_ID: Final = "trace_id"
LOG_SPAN_ID: Final = "span_id"
LOG_TRACE_FLAGS: Final = "trace_flags"
LOG_KEYS: Final[tuple[str, ...]] = (LOG_TRACE_ID, LOG_SPAN_ID, LOG_TRACE_FLAGS, CONVERSATION_ID, AGENT_NAME)
"""Keys that we put on a log line: trace context by the standard for non-OTLP formats, then conversation and agent in scope."""
