"""A server on loopback that speaks as much of OpenAI's chat completions as a client needs: answers, streams, tool calls, errors."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typing_extensions import Self


class OpenAiServer:
    """Answers each request with the next of its replies; usage is 9 and 3 tokens each time."""

    def __init__(self, *replies: dict[str, Any]) -> None:
        self.replies = list(replies)
        """What is answered: a message (``{"content": "hi"}``, ``{"tool_calls": [...]}``), or ``{"status": 429}``."""
        self.requests: list[dict[str, Any]] = []
        """Bodies of the requests."""
        self.headers: list[dict[str, str]] = []
        """Their headers."""

    def __enter__(self) -> Self:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments: Any) -> None:
                pass

            def do_GET(self) -> None:
                self.answer(200, {"object": "list", "data": [{"id": "gpt-4o", "object": "model", "created": 1, "owned_by": "x"}]})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                owner.requests.append(body)
                owner.headers.append(dict(self.headers))
                reply = owner.replies.pop(0) if owner.replies else {"content": "hello there"}
                if "status" in reply:
                    self.answer(reply["status"], {"error": {"message": "no", "type": "server_error", "code": None}})
                elif body.get("stream"):
                    self.stream(reply, with_usage=bool((body.get("stream_options") or {}).get("include_usage")))
                else:
                    self.answer(200, completion(reply))

            def answer(self, status: int, data: dict[str, Any]) -> None:
                sent = json.dumps(data).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def stream(self, reply: dict[str, Any], *, with_usage: bool) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                for word in reply["content"].split(" "):
                    self.event(chunk(delta={"role": "assistant", "content": f"{word} "}))
                self.event(chunk(delta={}, finish_reason="stop"))
                if with_usage:
                    self.event({**chunk(delta={}), "choices": [], "usage": USAGE})
                self.wfile.write(b"data: [DONE]\n\n")
                self.close_connection = True

            def event(self, data: dict[str, Any]) -> None:
                self.wfile.write(f"data: {json.dumps(data)}\n\n".encode())

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def base_url(self) -> str:
        """What a client is given."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"


USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}


def completion(message: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-2024-08-06",
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls" if "tool_calls" in message else "stop",
                "message": {"role": "assistant", "content": None, **message},
            }
        ],
        "usage": USAGE,
    }


def chunk(*, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-4o-2024-08-06",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
    }


def tool_call(name: str, **arguments: Any) -> dict[str, Any]:
    """A message that asks for a tool."""
    return {"tool_calls": [{"id": "call_1", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}]}
