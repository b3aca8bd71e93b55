"""Under which attribute keys other instrumentations record content: what models and tools were told and answered, and what was retrieved.

Read from the sources of OpenInference 0.1.72, OpenLLMetry 0.62.4, Pydantic AI and Logfire, the Vercel AI SDK and Langfuse, and of earlier
GenAI conventions. ``collector-config/parts/redaction_content.yaml`` masks the same and more.
"""

from __future__ import annotations

from typing import Final

__all__ = ["FOREIGN_CONTENT_EVENT_NAMES", "FOREIGN_CONTENT_KEYS", "FOREIGN_CONTENT_KEY_PREFIXES", "FOREIGN_CONTENT_KEY_SUFFIXES"]

_EARLIER_CONVENTIONS = (
    *("gen_ai.prompt", "gen_ai.completion", "gen_ai.content.prompt", "gen_ai.content.completion", "gen_ai.tool.message"),
    *("gen_ai.event.content", "gen_ai.evaluation.explanation", "error.message"),
)
_OPENINFERENCE = (
    *("input.value", "output.value", "input.images", "output.images", "input.documents", "output.documents"),
    *("llm.prompts", "llm.prompt_template.variables", "llm.prompt_template.template", "llm.tools", "llm.function_call", "llm.choices"),
    *("llm.invocation_parameters", "tool.parameters", "tool.json_schema", "retrieval.documents", "prompt.text", "completion.text"),
    *("message.content", "message.contents", "message.tool_calls", "message.function_call_arguments_json", "tool_call.function.arguments"),
    *("document.content", "document.metadata", "embedding.text", "embedding.vector", "embedding.embeddings"),
    *("embedding.invocation_parameters", "image.url", "video.url", "audio.url", "audio.transcript"),
    *("evaluation.explanation", "evaluation.metadata", "annotation.explanation", "annotation.metadata", "evaluations", "annotations"),
    *("trace.evaluations", "trace.annotations", "session.evaluations", "session.annotations"),
)
_OPENLLMETRY = (
    *("traceloop.entity.input", "traceloop.entity.output", "gen_ai.task.input", "gen_ai.task.output", "gen_ai.headers", "llm.headers"),
    *("gen_ai.request.structured_output_schema", "gen_ai.content.completion.chunk", "llm.content.completion.chunk"),
    *("llm.request.functions", "tool.arguments", "mcp.request.argument", "mcp.response.value"),
    *("db.query.result.document", "db.query.result.metadata", "db.query.result.vector", "db.query.embeddings.vector"),
    *("db.search.result.entity", "db.search.embeddings.vector", "db.marqo.search.query", "pinecone.query.queries", "pinecone.query.filter"),
    *("db.chroma.get.where", "db.chroma.get.where_document", "db.chroma.query.where", "db.chroma.query.where_document"),
    *("db.chroma.delete.where", "db.chroma.delete.where_document", "db.milvus.query.filter", "db.milvus.search.filter"),
    *("db.milvus.delete.filter", "db.milvus.search.annsearch_request"),
    *("crewai.crew.result", "crewai.crew.tasks_output", "crewai.crew.tasks", "crewai.crew.agents", "crewai.task.description"),
    *("crewai.task.expected_output", "crewai.task.tools", "crewai.agent.goal", "crewai.agent.backstory", "crewai.agent.tools"),
)
_OTHERS = (
    # Pydantic AI, Logfire
    *("tool_arguments", "tool_response", "all_messages_events", "pydantic_ai.all_messages", "final_result", "events"),
    *("request_data", "response_data", "model_request_parameters"),
    # Vercel AI SDK
    *("ai.prompt", "ai.response.text", "ai.response.object", "ai.response.toolCalls", "ai.response.reasoning", "ai.response.files"),
    *("ai.toolCall.args", "ai.toolCall.result", "ai.result.text", "ai.result.object", "ai.result.toolCalls"),
    *("ai.value", "ai.values", "ai.embedding", "ai.embeddings"),
    # Langfuse
    *("langfuse.observation.input", "langfuse.observation.output", "langfuse.observation.status_message"),
    *("langfuse.trace.input", "langfuse.trace.output"),
)

FOREIGN_CONTENT_KEYS: Final[frozenset[str]] = frozenset((*_EARLIER_CONVENTIONS, *_OPENINFERENCE, *_OPENLLMETRY, *_OTHERS))
"""Keys whose whole value is content."""

FOREIGN_CONTENT_KEY_PREFIXES: Final[tuple[str, ...]] = (
    *("gen_ai.prompt.", "gen_ai.completion.", "message_content.", "llm.input_messages", "llm.output_messages"),
    *("llm.choices.", "llm.tools."),
    *("llm.prompts.", "llm.request.functions.", "retrieval.documents.", "reranker.", "embedding.embeddings.", "input.images."),
    *("output.images.", "input.documents.", "output.documents.", "ai.prompt.", "traceloop.prompt."),
    # OpenLLMetry records the arguments of Weaviate's client, objects and queries among them, each under its name.
    *("weaviate.data.", "db.weaviate.batch.", "db.weaviate.query.", "db.weaviate.gql.", "db.weaviate.client."),
    *("weaviate.collections.data.", "db.weaviate.collections.batch.", "db.weaviate.collections.query."),
)
"""Beginnings of the keys of flattened content."""

FOREIGN_CONTENT_KEY_SUFFIXES: Final[tuple[str, ...]] = (".evaluation.explanation", ".annotation.explanation")
"""Ends of the keys of content in lists of OpenInference, such as ``evaluations.0.evaluation.explanation``."""

FOREIGN_CONTENT_EVENT_NAMES: Final[tuple[str, ...]] = ("db.query.result", "db.search.result")
"""Span events of OpenLLMetry whose attributes are, for some stores, the fields of the record that was found, under their own names."""
