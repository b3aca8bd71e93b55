"""What people say to agents, and their keys, reach no backend unless somebody opted in; whoever instrumented the program."""

from __future__ import annotations

import random
import re
import sys
import urllib.request
from pathlib import Path

import pytest
from hypothesis import given, strategies
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from otlp_server import OtlpServer, attributes
from stack_processes import CONFIG, Collector, make_trace, pairs_of, post_request, post_spans, request_of, until, value_of

from langswarm_otel import semconv
from langswarm_otel.content import gate
from langswarm_otel.content.credentials import CREDENTIALS
from langswarm_otel.foreign_content import CONTENT_KEYS_OF_SCOPES

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

CANARY = "canary-7f3a-the-secret-plan"
KEYS = {
    "openai": "sk-proj-abcdefghijklmnop1234",
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "github": "ghp_" + "a1B2" * 9,
    "slack": "xoxb-123456789012-abcdefghij",
    "google": "AIza" + "x" * 35,
    "token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl",
    "bearer": "Authorization: Bearer abcdef0123456789abcdef",
    "password": "postgres://app:hunter2hunter2@db:5432/x",
}
SECRET_KEYS = ("password", "db.password", "http.request.header.authorization", "x-api-key", "aws_secret_access_key", "set-cookie")
HARMLESS = {
    "count": 4111111111111111,
    "flag": True,
    "share": 0.25,
    "names": ["a", "b"],
    "document.id": "d-1",
    "tool_call.id": "t-1",
    "image.size": 3,
    "message": "hello",
    "gen_ai.usage.input_tokens": 412,
    "gen_ai.token.type": "input",
    "task.id": "task-1234567890abcdef1234",
    "evaluations.0.evaluation.score": 0.5,
    "db.milvus.search.limit": 5,
    "pinecone.query.top_k": 3,
    "crewai.crew.id": "c-7",
    "events": 5,
    "request": "r-7",
    "evaluations": 3,
}
MASKED = yaml.safe_load((CONFIG / "parts" / "redaction_content.yaml").read_text())
PLAIN = yaml.safe_load((CONFIG / "parts" / "plain_keys.yaml").read_text())
CREDENTIAL_PATTERNS = [re.compile(pattern) for pattern in yaml.safe_load((CONFIG / "parts" / "credentials.yaml").read_text())]
PATTERNS = [re.compile(pattern) for pattern in MASKED["blocked_key_patterns"]]


def is_masked(key):
    return key not in PLAIN and any(pattern.search(key) for pattern in PATTERNS)


def indexed(prefix):
    """A key as flattened lists have it."""
    return f"{prefix.rstrip('.')}.0.content"


def test_every_key_of_our_own_gate_is_masked():
    """The catalogue's keys and prefixes of content, ours and foreign; its exemptions, and everything else that we emit, pass."""
    assert {key for key in semconv.CONTENT_KEYS if not is_masked(key)} == set()
    assert {prefix for prefix in semconv.CONTENT_KEY_PREFIXES if not is_masked(indexed(prefix))} == set()
    assert {key for key in semconv.CONTENT_KEY_EXEMPTIONS if is_masked(key)} == set()
    ours = {value for name, value in vars(semconv).items() if name.isupper() and isinstance(value, str)}
    assert {key for key in ours - semconv.CONTENT_KEYS if is_masked(key) and key not in semconv.CONTENT_EVENT_NAMES} == set()


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (
            "openinference.semconv.trace",
            r"(messages|\.value|content|arguments|template$|variables|documents|query|tools|prompts|choices|text)$",
        ),
        (
            "opentelemetry.semconv_ai",
            r"""(?x)(input|output|prompt|template|variables|functions|chunk|headers|result\.(document|metadata|vector|entity)
            |\.vector|\.filter|\.where|where_document|queries|annsearch_request|search\.query|argument|\.value)$""",
        ),
    ],
)
def test_what_the_packages_of_others_call_content_is_masked(module, words, monkeypatch):
    """The names in OpenInference's and OpenLLMetry's own packages."""
    monkeypatch.syspath_prepend(str(Path(sys.prefix) / "genai-peers"))
    names = pytest.importorskip(module, reason=f"{module} is not installed (tools/install.sh)")
    holders = [holder for holder in vars(names).values() if isinstance(holder, type) and holder.__name__ not in {"Enum", "Meters"}]
    found = {getattr(value, "value", value) for holder in holders for name, value in vars(holder).items() if name.isupper()}
    keys = {key for key in found if isinstance(key, str) and "." in key and re.search(words, key)}
    assert len(keys) > 20
    assert {key for key in keys if not is_masked(key)} == set()
    assert {key for key in keys if not gate.is_content_key(key)} == set(), "our own gate"


@pytest.mark.parametrize(
    "key",
    [
        # OpenLLMetry: functions by their number, what Chroma found, CrewAI's results, Weaviate's arguments, LlamaIndex' tools
        *("llm.request.functions.0.parameters", "llm.request.functions.12.description", "db.query.result.document", "crewai.crew.result"),
        *("crewai.crew.tasks_output", "crewai.task.description", "crewai.agent.backstory", "db.weaviate.batch.add_data_object.data_object"),
        *("weaviate.data.crud_data.create.data_object", "db.weaviate.client.graphql_raw_query.gql_query", "tool.arguments"),
        # OpenInference: lists by their number
        *(
            "evaluations.0.evaluation.explanation",
            "annotations.1.annotation.metadata",
            "input.audio",
            "input.images.0.image.url",
            "retrieval.documents.3.document.content",
            "video.url",
        ),
        # Vercel AI SDK, Pydantic AI, Logfire, Langfuse
        *("ai.response.reasoning", "ai.values", "ai.result.toolCalls", "ai.prompt.messages", "crewai.mycrew.result", "genkit:input"),
        *("model_request_parameters", "all_messages_events", "langfuse.observation.status_message", "gcp.vertex.agent.llm_request"),
    ],
)
def test_keys_found_in_the_sources_of_others_are_masked(key):
    """By the Collector and by our own gate; their packages name these nowhere."""
    assert is_masked(key)
    assert gate.is_content_key(key)


@pytest.mark.parametrize("credential", CREDENTIALS, ids=lambda one: f"{one.rule}-{one.start[:6]}")
@given(data=strategies.data())
def test_every_credential_that_our_own_scrubber_knows_is_masked(credential, data):
    """Whatever has one of the forms of ``content/credentials.py``, alone and in the middle of a text."""
    form = re.compile(f"(?:{credential.start}){credential.rest}{{{credential.least}}}", re.ASCII)
    sample = data.draw(strategies.from_regex(form, fullmatch=True))
    for text in (sample, f"key={sample}, and more", f'"{sample}"'):
        assert any(pattern.search(text) for pattern in CREDENTIAL_PATTERNS), text


def test_what_passes_unread_is_no_content_and_no_secret():
    """Each is a key of our catalogue, or of span metrics and the SDK; none is one that a pattern would mask."""
    ours = {value for name, value in vars(semconv).items() if name.isupper() and isinstance(value, str)}
    of_others = {"span.name", "span.kind", "status.code", "collector.instance.id", *semconv.CONTENT_KEY_EXEMPTIONS}
    assert {key for key in set(PLAIN) - ours - of_others if not key.startswith("telemetry.sdk.")} == set()
    assert not set(PLAIN) & semconv.CONTENT_KEYS
    assert [key for key in set(PLAIN) - semconv.CONTENT_KEY_EXEMPTIONS if any(pattern.search(key) for pattern in PATTERNS)] == []


def test_both_redactions_know_the_same_secret_keys():
    """The opt-in lets content pass and masks exactly what the default masks besides."""
    opened = yaml.safe_load((CONFIG / "parts" / "redaction_credentials.yaml").read_text())
    (line,) = opened["blocked_key_patterns"]
    assert line in MASKED["blocked_key_patterns"]
    assert opened["blocked_values"] == MASKED["blocked_values"]


def planted(trace):
    """Put the canary where people put content, and keys where they should not be."""
    root, *children = trace
    root.name = f"chat {KEYS['github']}"
    root.attributes.extend(pairs_of({"langswarm.tag.note": " ".join(KEYS.values()), "gen_ai.conversation.id": "c-1"}))
    root.status.code, root.status.message = 2, f"ValueError: no answer to {CANARY}, key {KEYS['openai']}"
    children[0].attributes.extend(pairs_of(dict.fromkeys((key for key in semconv.CONTENT_KEYS), CANARY)))
    children[1].attributes.extend(pairs_of({indexed(prefix): CANARY for prefix in semconv.CONTENT_KEY_PREFIXES}))
    nested = children[2].attributes.add()
    nested.key = semconv.INPUT_MESSAGES
    nested.value.CopyFrom(value_of([CANARY, "and more"]))
    children[2].attributes.extend(pairs_of({"list": [KEYS["openai"], "harmless"], **HARMLESS}))
    children[2].attributes.extend(pairs_of(dict.fromkeys(SECRET_KEYS, "hunter2")))
    event = children[3].events.add()
    event.name = "gen_ai.user.message"
    event.attributes.extend(pairs_of({"content": CANARY, "role": "user"}))
    event = children[3].events.add()
    event.name = "db.query.result"  # as Milvus and Marqo have it: the fields of the record
    event.attributes.extend(pairs_of({"title": CANARY, "db.query.result.document": CANARY, "db.query.result.score": 0.5}))
    event = children[3].events.add()
    event.name = f"exception {KEYS['slack']}"
    event.attributes.extend(pairs_of({semconv.EXCEPTION_MESSAGE: CANARY, semconv.EXCEPTION_TYPE: "ValueError", "gen_ai.prompt": CANARY}))
    return trace


def test_the_name_of_a_crew_ai_task_is_no_description(tmp_path):
    """OpenLLMetry takes the whole description as the span's name; with the opt-in it stays."""
    for variables, name in (({}, "task"), ({"REDACTION": "redaction/credentials"}, f"{CANARY}.task")):
        with (
            OtlpServer() as far_side,
            Collector(
                tmp_path / name[:4], "local.yaml", TRACES_ENDPOINT=far_side.endpoint, METRICS_ENDPOINT=far_side.endpoint, **variables
            ) as one,
        ):
            request = request_of(make_trace(random.Random(6), spans=1))
            scope = request.resource_spans[0].scope_spans[0]
            scope.scope.name, scope.spans[0].name = "opentelemetry.instrumentation.crewai.instrumentation", f"{CANARY}.task"
            assert post_request(one.endpoint, request) == 200
            assert far_side.wait_for(spans=1, timeout_s=20)
            assert far_side.spans[0].name == name


def test_keys_of_anybody_are_content_in_the_scopes_that_use_them_so(tmp_path):
    """The Collector and our own gate know the same; in another scope they stay (see HARMLESS)."""
    with (
        OtlpServer() as far_side,
        Collector(tmp_path, "local.yaml", TRACES_ENDPOINT=far_side.endpoint, METRICS_ENDPOINT=far_side.endpoint) as collector,
    ):
        for beginning, keys in CONTENT_KEYS_OF_SCOPES:
            request = request_of(make_trace(random.Random(beginning), spans=1))
            scope = request.resource_spans[0].scope_spans[0]
            scope.scope.name = f"{beginning}openai"
            scope.spans[0].attributes.extend(pairs_of(dict.fromkeys(keys, CANARY)))
            assert post_request(collector.endpoint, request) == 200
            assert gate.keys_of_scope(scope.scope.name) == keys
        assert far_side.wait_for(spans=len(CONTENT_KEYS_OF_SCOPES), timeout_s=20)
        assert CANARY.encode() not in b"".join(request.message.SerializeToString() for request in far_side.requests)
        assert all("gen_ai.agent.name" in attributes(span.attributes) for span in far_side.spans)


def post_logs(endpoint):
    """One record with content as attributes, one event of earlier conventions with content as its body, one line with a key in it."""
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    first = records.add()
    first.body.string_value = f"connected with {KEYS['openai']}"
    first.attributes.extend(pairs_of({semconv.OUTPUT_MESSAGES: CANARY, "kept": "yes"}))
    for number, name in enumerate(semconv.CONTENT_EVENT_NAMES):
        record = records.add()
        record.event_name = name
        record.body.string_value = CANARY
        record.attributes.extend(pairs_of({"content": CANARY, "role": "user"}))
        record = records.add()
        record.attributes.extend(pairs_of({("event.name", "otel.event.name")[number % 2]: name}))
        record.body.kvlist_value.values.extend(pairs_of({"content": CANARY}))
    sent = urllib.request.Request(
        f"{endpoint}/v1/logs", data=request.SerializeToString(), headers={"content-type": "application/x-protobuf"}
    )
    with urllib.request.urlopen(sent, timeout=10) as answer:
        return answer.status


def post_metric(endpoint):
    """A measurement whose attributes say what they should not."""
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add()
    metric.name = "planted"
    point = metric.gauge.data_points.add()
    point.as_int = 1
    point.attributes.extend(pairs_of({"input.value": CANARY, "note": KEYS["openai"], "gen_ai.request.model": "gpt-4o"}))
    sent = urllib.request.Request(
        f"{endpoint}/v1/metrics", data=request.SerializeToString(), headers={"content-type": "application/x-protobuf"}
    )
    with urllib.request.urlopen(sent, timeout=10) as answer:
        return answer.status


def run(tmp_path, **variables):
    """Send the planted telemetry through local.yaml; return every byte that reached the far side, and the far side."""
    with (
        OtlpServer() as far_side,
        Collector(
            tmp_path,
            "local.yaml",
            "yaml:service::pipelines::logs::exporters: [otlp_http/traces]",
            TRACES_ENDPOINT=far_side.endpoint,
            METRICS_ENDPOINT=far_side.endpoint,
            SPAN_METRICS_INTERVAL="1s",
            **variables,
        ) as collector,
    ):
        trace = planted(make_trace(random.Random(5)))
        assert post_spans(collector.endpoint, trace) == 200
        assert post_logs(collector.endpoint) == 200
        assert post_metric(collector.endpoint) == 200
        assert far_side.wait_for(spans=5, log_records=1 + 2 * len(semconv.CONTENT_EVENT_NAMES), metric_points=5, timeout_s=20)
        return b"".join(request.message.SerializeToString() for request in far_side.requests), far_side


def test_log_lines_go_to_the_output_of_local_yaml_without_content(tmp_path):
    """What `docker compose logs collector` shows where no store is named: the lines as they came, but for content and keys."""
    with Collector(tmp_path, "local.yaml") as collector:
        assert post_logs(collector.endpoint) == 200
        assert until(lambda: "connected with" in collector.output(), 20)
        assert until(lambda: semconv.CONTENT_EVENT_NAMES[-1] in collector.output(), 20)
        assert CANARY not in collector.output()
        assert KEYS["openai"] not in collector.output()


def test_a_canary_in_prompts_arguments_and_results_reaches_no_backend(tmp_path):
    """Not a byte of it, in spans, events, status messages, log records or metrics; what is no content arrives."""
    arrived, far_side = run(tmp_path)
    assert CANARY.encode() not in arrived
    for name, key in KEYS.items():
        assert key.encode() not in arrived, name
    root = next(span for span in far_side.spans if not span.parent_span_id)
    assert attributes(root.attributes)["gen_ai.agent.name"] == "tester"
    assert attributes(root.attributes)["gen_ai.conversation.id"] == "c-1"
    assert (root.name, root.status.message) == ("chat ****", "****")
    others = {key: value for span in far_side.spans for key, value in attributes(span.attributes).items()}
    assert {key: others[key] for key in HARMLESS} == HARMLESS
    assert {others[key] for key in SECRET_KEYS} == {"****"}
    assert {name for name, _ in far_side.metric_points} >= {"planted", "traces.span.metrics.calls"}
    results = [attributes(event.attributes) for span in far_side.spans for event in span.events if event.name == "db.query.result"]
    assert results == [{"db.query.result.document": "****", "db.query.result.score": 0.5}]
    messages = [attributes(event.attributes) for span in far_side.spans for event in span.events if event.name == "gen_ai.user.message"]
    assert messages == [{"role": "user"}]
    assert b"harmless" in arrived
    assert b"ValueError" in arrived
    assert b"kept" in arrived


def test_with_the_opt_in_content_arrives_and_keys_still_do_not(tmp_path):
    """REDACTION=redaction/credentials is the one switch."""
    arrived, far_side = run(tmp_path, REDACTION="redaction/credentials")
    spans = {key: value for span in far_side.spans for key, value in attributes(span.attributes).items()}
    assert {key for key in semconv.CONTENT_KEYS if CANARY not in spans.get(key, ())} == set()
    assert arrived.count(CANARY.encode()) >= len(semconv.CONTENT_KEYS) + len(semconv.CONTENT_KEY_PREFIXES) + 2 * len(
        semconv.CONTENT_EVENT_NAMES
    )
    for name, key in KEYS.items():
        assert key.encode() not in arrived, name


def test_a_wrong_switch_is_no_opt_in(tmp_path):
    """A misspelt name stops the Collector with that name in its words; it does not let content pass."""
    with pytest.raises(pytest.fail.Exception, match="redaction/none"):
        run(tmp_path, REDACTION="redaction/none")
