"""Media becomes its type and size, wherever it stands; texts that only look like it stay."""

from __future__ import annotations

import base64
import json
import os

import pytest

from langswarm_otel.content.gate import jsonable
from langswarm_otel.content.media import without_media

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + os.urandom(6000)).decode()


@pytest.mark.parametrize(
    "message",
    [
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}]}],
        [{"role": "user", "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}]}],
        [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": PNG, "format": "wav"}}]}],
        [{"role": "user", "parts": [{"type": "blob", "mime_type": "image/png", "content": PNG}]}],
        {"inline_data": {"mime_type": "image/png", "data": PNG}},
        [base64.b64decode(PNG)],
    ],
    ids=["openai", "anthropic", "audio", "genai", "gemini", "bytes"],
)
def test_the_messages_of_every_provider(message):
    """What remains is valid JSON with type and size, and none of the data."""
    text = jsonable(message, 8192)
    json.loads(text)
    assert PNG[100:140] not in text
    assert "6008 bytes" in text
    assert len(text) < 400


def test_media_inside_a_text():
    """In Markdown or HTML the rest of the text stays."""
    text = without_media(f"see ![x](data:image/png;base64,{PNG}) and <img src='data:image/gif;base64,{PNG}'> here", 8192)
    assert text == "see ![x](<image/png, 6008 bytes>) and <img src='<image/gif, 6008 bytes>'> here"


def test_the_true_size_is_known_although_the_text_is_cut():
    """Ten megabytes are described before anything is cut."""
    assert jsonable("A1b2" * 2_500_000, 8192) == "<base64, 7500000 bytes>"


@pytest.mark.parametrize("text", ["a" * 5000, "word " * 2000, "data:text/plain;base64,aGVsbG8=", "ab12" * 50, "x" * 600 + " " + "y" * 600])
def test_what_is_no_media_stays(text):
    """Texts, short data and repeated letters come back as the same object."""
    assert without_media(text, 8192) is text
