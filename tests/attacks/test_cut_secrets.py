"""Secrets that are cut: by the limit of an attribute, at every place of the secret, and between the slices that are looked at."""

from __future__ import annotations

import pytest

from langswarm_otel.content import scrubbing
from langswarm_otel.content.gate import jsonable
from langswarm_otel.content.scrubbing import USUAL

LIMIT = 1000
SAID = 5
"""So many characters of the secret itself may be seen at most: with fewer nobody can tell it from a word."""

BODY = "Zq7Xw3Kd9Rt5Vb1Nm8Yh2Jf6"
"""The secret part of each."""

SECRETS = {
    "key": f"sk-proj-{BODY}",
    "anthropic": f"sk-ant-api03-{BODY}",
    "github": f"ghp_{BODY}",
    "aws": "AKIA" + "ZQ7XW3KD9RT5VB1N",
    "bearer": f"Authorization: Bearer {BODY}",
    "scheme": f"sent Bearer {BODY}",
    "url": f"postgres://admin:{BODY}@db:5432/x",
    "pair": f"password = {BODY}",
    "json": f'{{"api_key": "{BODY}"}}',
}


def leaked(secret, text):
    """The longest beginning of the secret part that is in a text."""
    body = "ZQ7XW3KD9RT5VB1N" if "AKIA" in secret else BODY
    return max((length for length in range(len(body) + 1) if body[:length] in text), default=0)


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_a_secret_at_the_cut_is_not_sent_in_part(secret, nested):
    """Wherever the limit falls in it, no telling part of it is left, in a text and in a message inside of JSON."""
    for before in range(LIMIT - len(secret) - 120, LIMIT + 10):
        text = ("word " * 400)[:before] + " " + secret + " and so on" * 200
        content = [{"role": "user", "parts": [{"type": "text", "content": text}]}] if nested else text
        assert leaked(secret, USUAL.text(jsonable(content, LIMIT))) < SAID, before


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS.keys())
def test_a_secret_between_two_slices_is_seen_whole(secret):
    """A long text is looked at in slices; none ends between a name and its value."""
    for before in range(scrubbing._SLICE - len(secret) - 10, scrubbing._SLICE + 10):
        text = ("word " * 1000)[:before] + " " + secret + " and so on" * 300
        assert leaked(secret, USUAL.text(text)) < SAID, before


@pytest.mark.parametrize(
    "end", ["http://collector:4318", "see http://host:80", "a basic", "the token expired", "Basic", "https://x:8080/p"]
)
def test_an_innocent_end_of_a_text_that_was_cut_stays(end):
    """Ports and words at the place of the cut are none."""
    text = f"{'word ' * 100}{end}... [cut: 9000 characters, sha256 0123456789abcdef]"
    assert USUAL.text(text) == text
