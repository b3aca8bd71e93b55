"""A web service with LangSwarm agents: each request continues the caller's trace, and a stream that the client leaves is no error.

OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 uvicorn fastapi_service:app --workers 2
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from scripted_model import scripted_agent

from langswarm_otel import configure_observability, context_from, presets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

obs = configure_observability(presets.production(service_name="desk"))
writer = scripted_agent("writer", "It was charged twice; one charge is refunded.")
speaker = scripted_agent("speaker", "one two three four five six seven eight nine ten", streaming=True)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Send what is left when the worker ends."""
    yield
    obs.shutdown()


app = FastAPI(lifespan=lifespan)


@app.middleware("http")
async def in_the_callers_trace(request: Request, call_next: Any) -> Any:
    """Continue the trace of ``traceparent``; OpenTelemetry's FastAPI instrumentation does the same, with a server span."""
    with context_from(request.headers), obs.traced(f"{request.method} {request.url.path}"):
        return await call_next(request)


@app.post("/ask/{session_id}")
async def ask(session_id: str, question: str) -> dict[str, str]:
    """Answer a question of a conversation."""
    await writer.chat(question, session_id=session_id)
    obs.log.info("answered")
    return {"answer": (await writer.get_session(session_id)).messages[-1].content}


@app.get("/speak/{session_id}")
async def speak(session_id: str) -> StreamingResponse:
    """Stream an answer, word by word."""

    async def words() -> AsyncIterator[str]:
        async for chunk in speaker.stream_chat("Speak!", session_id=session_id):
            yield chunk.content

    return StreamingResponse(words(), media_type="text/plain")


@app.get("/health")
async def health() -> dict[str, Any]:
    """Say how the telemetry is."""
    state = obs.health()
    return {"mode": state.mode, "ok": state.ok}
