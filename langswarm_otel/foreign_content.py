"""Under which names other instrumentations record content: what models and tools were told and answered, and what was retrieved.

Read from the sources of OpenInference 0.1.72, OpenLLMetry 0.62.4, Pydantic AI 2.68, Logfire 5.4, Google ADK 2.13, Langfuse 5, the Vercel
AI SDK, and of earlier GenAI conventions. ``collector-config/parts/redaction_content.yaml`` and ``free_text.yaml`` know the same and more.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = [
    "CONTENT_KEYS_OF_SCOPES",
    "FOREIGN_CONTENT_EVENT_NAMES",
    "FOREIGN_CONTENT_KEYS",
    "FOREIGN_CONTENT_KEY_PREFIXES",
    "FOREIGN_CONTENT_PATTERN",
]

_EARLIER_CONVENTIONS = (
    *("gen_ai.prompt", "gen_ai.completion", "gen_ai.content.prompt", "gen_ai.content.completion", "gen_ai.tool.message"),
    *("gen_ai.event.content", "gen_ai.evaluation.explanation", "error.message"),
)
_OPENINFERENCE = (
    *("input.value", "output.value", "input.images", "output.images", "input.documents", "output.documents"),
    *("input.audio", "output.audio", "input.video", "output.video", "llm.completions", "decision.input", "decision.output"),
    *("llm.prompts", "llm.prompt_template.variables", "llm.prompt_template.template", "llm.tools", "llm.function_call", "llm.choices"),
    *("llm.invocation_parameters", "tool.parameters", "tool.json_schema", "retrieval.documents", "prompt.text", "completion.text"),
    *("message.content", "message.contents", "message.tool_calls", "message.function_call_arguments_json", "tool_call.function.arguments"),
    *("document.content", "document.metadata", "embedding.text", "embedding.vector", "embedding.embeddings"),
    *("embedding.invocation_parameters", "image.url", "video.url", "audio.url", "audio.transcript"),
)
_OPENLLMETRY = (
    *("traceloop.entity.input", "traceloop.entity.output", "gen_ai.task.input", "gen_ai.task.output", "gen_ai.headers", "llm.headers"),
    *("gen_ai.request.structured_output_schema", "gen_ai.content.completion.chunk", "llm.content.completion.chunk"),
    *("llm.request.functions", "tool.arguments", "mcp.request.argument", "mcp.response.value", "mcp.request.params", "mcp.response.result"),
    *("gen_ai.guardrail.match", "traceloop.prompt"),
    *("db.query.result.document", "db.query.result.metadata", "db.query.result.vector", "db.query.embeddings.vector"),
    *("db.search.result.entity", "db.search.embeddings.vector", "db.marqo.search.query", "pinecone.query.queries", "pinecone.query.filter"),
    *("db.chroma.get.where", "db.chroma.get.where_document", "db.chroma.query.where", "db.chroma.query.where_document"),
    *("db.chroma.delete.where", "db.chroma.delete.where_document", "db.milvus.query.filter", "db.milvus.search.filter"),
    *("db.milvus.delete.filter", "db.milvus.search.annsearch_request"),
    *("crewai.crew.tasks_output", "crewai.crew.tasks", "crewai.crew.agents", "crewai.task.description"),
    *("crewai.task.expected_output", "crewai.task.tools", "crewai.agent.goal", "crewai.agent.backstory", "crewai.agent.tools"),
)
_OTHERS = (
    # Pydantic AI
    *("tool_arguments", "tool_response", "all_messages_events", "pydantic_ai.all_messages", "final_result", "model_request_parameters"),
    "pydantic_ai.tool.deferral.metadata",
    # Google ADK
    *("gcp.vertex.agent.llm_request", "gcp.vertex.agent.llm_response", "gcp.vertex.agent.tool_call_args"),
    *("gcp.vertex.agent.tool_response", "gcp.vertex.agent.data"),
    # Vercel AI SDK
    *("ai.prompt", "ai.response.text", "ai.response.object", "ai.response.toolCalls", "ai.response.reasoning", "ai.response.files"),
    *("ai.toolCall.args", "ai.toolCall.result", "ai.result.text", "ai.result.object", "ai.result.toolCalls"),
    *("ai.value", "ai.values", "ai.embedding", "ai.embeddings"),
    # Langfuse, MLflow, Genkit
    *("langfuse.observation.input", "langfuse.observation.output", "langfuse.observation.status_message"),
    *("langfuse.trace.input", "langfuse.trace.output", "langfuse.experiment.item.expected_output", "langfuse.experiment.item.metadata"),
    *("mlflow.spanInputs", "mlflow.spanOutputs", "genkit:input", "genkit:output"),
)

FOREIGN_CONTENT_KEYS: Final[frozenset[str]] = frozenset((*_EARLIER_CONVENTIONS, *_OPENINFERENCE, *_OPENLLMETRY, *_OTHERS))
"""Keys whose whole value is content."""

FOREIGN_CONTENT_KEY_PREFIXES: Final[tuple[str, ...]] = (
    *("gen_ai.prompt.", "gen_ai.completion.", "message_content.", "llm.input_messages", "llm.output_messages"),
    *("llm.choices.", "llm.tools.", "llm.prompts.", "llm.completions.", "llm.request.functions.", "retrieval.documents.", "reranker."),
    *("embedding.embeddings.", "input.images.", "output.images.", "input.documents.", "output.documents.", "ai.prompt."),
    "traceloop.prompt.",
    # OpenLLMetry records the arguments of Weaviate's client, objects and queries among them, each under its name.
    *("weaviate.data.", "db.weaviate.batch.", "db.weaviate.query.", "db.weaviate.gql.", "db.weaviate.client."),
    *("weaviate.collections.data.", "db.weaviate.collections.batch.", "db.weaviate.collections.query."),
)
"""Beginnings of the keys of flattened content."""

FOREIGN_CONTENT_PATTERN: Final = re.compile(r"^crewai\.\w+\.result$|(^|\.)(evaluation|annotation)\.(explanation|metadata)$")
"""Keys of which a part is any: the class of a crew, the place in a list of OpenInference (``evaluations.0.evaluation.explanation``)."""

CONTENT_KEYS_OF_SCOPES: Final[tuple[tuple[str, frozenset[str]], ...]] = (
    # The integrations of Logfire; a span of a program's own has the scope `logfire`.
    ("logfire.", frozenset(("events", "request_data", "response_data", "request", "response", "raw_input", "input", "output"))),
    ("pydantic-ai", frozenset(("events", "inputs", "embeddings", "prompt"))),
    (
        "openinference.",
        frozenset(
            (
                *("evaluations", "annotations", "trace.evaluations", "trace.annotations", "session.evaluations", "session.annotations"),
                *("crew_inputs", "crew_tasks", "crew_agents", "flow_inputs", "formatted_description", "formatted_expected_output"),
                *("task_description", "task_expected_output", "agent.goal", "agent.backstory", "agent.tools", "llm.available_functions"),
            )
        ),
    ),
)
"""Beginnings of instrumentation scopes, and the keys, which would be anybody's elsewhere, that are content on their spans."""

FOREIGN_CONTENT_EVENT_NAMES: Final[tuple[str, ...]] = ("db.query.result", "db.search.result")
"""Span events of OpenLLMetry whose attributes are, for some stores, the fields of the record that was found, under their own names."""
