"""Credentials are replaced by the name of their rule, harmless texts come through as the very same object, and no text takes long."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langswarm_otel.content.credentials import CREDENTIALS
from langswarm_otel.content.scrubbing import LONGEST, Scrubber

SCRUBBER = Scrubber()

# In two parts, so that no scanner of repositories takes them for real.
SECRETS = {
    "openai": "sk-" + "proj-Ab3dE6gH9jK2mN5pQ8sT1vW4",
    "openai, old": "sk-" + "Ab3dE6gH9jK2mN5pQ8sT1vW4xY7z",
    "anthropic": "sk-" + "ant-api03-Ab3dE6gH9jK2mN5pQ8sT",
    "aws": "AKIA" + "IOSFODNN7EXAMPLE",
    "google": "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
    "github": "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "gitlab": "glpat-" + "a1B2c3D4e5F6g7H8i9J0",
    "slack": "xoxb-" + "123456789012-abcdefGHIJKL",
    "stripe": "sk_live_" + "a1B2c3D4e5F6g7H8i9J0",
    "huggingface": "hf_" + "a1B2c3D4e5F6g7H8i9J0k1L2",
    "npm": "npm_" + "a1B2c3D4e5F6g7H8i9J0k1L2",
    "sendgrid": "SG." + "a1B2c3D4e5F6g7H8i9J0kk." + "a1B2c3D4e5F6g7H8i9J0",
    "jwt": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
}

AROUND = {
    "alone": "{}",
    "in a sentence": "use {}, it works",
    "in quotes": 'key = "{}"',
    "in JSON": '{{"value":"{}"}}',
    "in JSON in JSON": '{{\\"value\\":\\"{}\\"}}',
    "in a query": "https://example.com/?x={}&y=1",
    "in brackets": "[{}]",
    "after a line": "first\n{}\nlast",
}

PAIRS = [
    "password=hunter2",
    "PASSWORD: hunter2!",
    'password = "correct horse"',
    '{"password": "hunter2"}',
    '{\\"password\\": \\"hunter2\\"}',
    "{'api_key': 'hunter2'}",
    "DB_PASSWORD=hunter2",
    "OPENAI_API_KEY=hunter2",
    "x-api-key: hunter2",
    "client_secret=hunter2&grant=1",
    "Authorization: Bearer hunter2hunter2",
    "authorization: Basic aHVudGVyMjpodW50ZXIy",
    "curl -H 'Authorization: Bearer hunter2hunter2'",
    "Cookie: sid=hunter2",
    "Set-Cookie: sid=hunter2; Path=/",
    "postgresql://bob:hunter2@db.example.com/app",
    "redis://:hunter2@cache:6379/0",
    "amqp://guest:hunter2@mq//",
    "https://example.com/hook?token=hunter2&x=1",
    "AccountKey=hunter2hunter2==;EndpointSuffix=core",
    "aws_secret_access_key = hunter2hunter2",
    "access_token=>hunter2",
    "pwd=hunter2;server=db",
]

INNOCENT = [
    "the token count is 412",
    "max_tokens: 4096",
    "input_tokens=412 output_tokens=31",
    "token limit exceeded: 8192",
    "Password policy: must be long",
    "Your password is required.",
    "forgot the password? ask Bob",
    "password: None",
    "password=${DB_PASSWORD}",
    "api_key=os.environ['OPENAI_API_KEY']",
    "def f(api_key: str) -> None: ...",
    "sk-learn and task-force are words",
    "a risk-averse desk-bound ask-me-anything",
    "tokenizer=cl100k_base",
    "sort_key: name",
    "primary_key=42",
    "keyboard=qwerty",
    "Basic arithmetic operations are easy",
    "the bearer of this letter",
    "signature: (self, other)",
    "Cookies are tasty; secrets are kept",
    "d0324993000d4b3d2c7ba576c65572eb",
    "550e8400-e29b-41d4-a716-446655440000",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "aGVsbG8gd29ybGQgdGhpcyBpcyBiYXNlNjQ=",
    "https://example.com:8080/path?key=value",
    "mailto:bob@example.com",
    "git@github.com:owner/repo.git",
    "Write to security@example.com about secrets",
    "éèê 日本語 🎉 ümläut",
    "eyJ is how JSON begins in base64",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("name", SECRETS)
def test_a_credential_is_replaced_wherever_it_stands(name, around):
    """No part of it stays, what is around it does, and a second pass changes nothing."""
    text = AROUND[around].format(SECRETS[name])
    scrubbed = SCRUBBER.text(text)
    secret = SECRETS[name]
    assert not any(secret[start : start + 6] in scrubbed for start in range(4, len(secret) - 6))
    assert "[scrubbed: " in scrubbed
    assert scrubbed.startswith(text[:4] if around not in ("alone", "in brackets") else scrubbed[:4])
    assert SCRUBBER.text(scrubbed) == scrubbed


@pytest.mark.parametrize("text", PAIRS)
def test_what_follows_a_telling_name_is_replaced(text):
    """In code, JSON, headers, queries and URLs the value goes and the name stays."""
    scrubbed = SCRUBBER.text(text)
    assert not re.search("hunter2|aHVudGVy|correct", scrubbed)
    assert SCRUBBER.text(scrubbed) == scrubbed


@pytest.mark.parametrize("text", INNOCENT)
def test_innocent_texts_are_untouched(text):
    """The very same object comes back."""
    assert SCRUBBER.text(text) is text


def test_a_private_key_is_replaced_as_a_whole():
    """In one text, in a long one, and without its end."""
    key = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEA0\n" * 100 + "-----END RSA PRIVATE KEY-----"
    assert SCRUBBER.text(f"before {key} after") == "before [scrubbed: private_key] after"
    assert "MIIE" not in SCRUBBER.text("word " * 2000 + key + " word" * 2000)
    assert "MIIE" not in SCRUBBER.text(key[:900])


@pytest.mark.parametrize("name", [name for name in SECRETS if name not in ("jwt", "sendgrid")])
@pytest.mark.parametrize("end", ["", '"}', "\\", "…"])
def test_a_credential_that_a_limit_has_cut_is_replaced(name, end):
    """The end of a long text, or of a string in it, may be half a credential."""
    for length in range(12, len(SECRETS[name])):
        half = SECRETS[name][:length]
        assert half not in SCRUBBER.text("word " * 100 + half + end)


def test_a_credential_anywhere_in_a_long_text_is_found():
    """Long texts are looked at in slices, none of which ends inside of what belongs together."""
    secret = SECRETS["openai"]
    for place in range(1900, 4200, 7):
        text = ("word " * 2000)[:place] + " password: s3cret" + secret + (" word" * 2000)
        scrubbed = SCRUBBER.text(text)
        assert "s3cret" not in scrubbed
        assert secret[5:] not in scrubbed


@pytest.mark.parametrize(
    "key", ["password", "db.password", "api_key", "X-Api-Key", "http.request.header.authorization", "client_secret", "cookie"]
)
def test_the_value_of_a_telling_key_goes_whatever_it_is(key):
    """A key that means a secret has its whole value replaced; the mark names the key."""
    value = SCRUBBER.attributes({key: "plain words", "other": "plain words"})
    assert value["other"] == "plain words"
    assert re.fullmatch(r"\[scrubbed: [a-z_]+\]", value[key])


@pytest.mark.parametrize(
    "key", ["session.id", "gen_ai.token.type", "gen_ai.usage.input_tokens", "user.hash", "gen_ai.conversation.id", "sort_keys"]
)
def test_identities_and_counts_are_never_touched(key):
    """Keys that telemetry lives by keep their values, even one that looks like a credential where the key is exempt."""
    attributes = {key: "plain words"}
    assert SCRUBBER.attributes(attributes) is attributes


def test_own_rules_and_own_exemptions():
    """Further patterns replace what they match; further keys are left alone."""
    scrubber = Scrubber([("employee", re.compile(r"E-\d{6}"))], ["note"])
    assert scrubber.text("ask E-123456 now") == "ask [scrubbed: employee] now"
    attributes = {"note": "E-123456 password=hunter2"}
    assert scrubber.attributes(attributes) is attributes


def test_nested_values_are_looked_into():
    """Lists, mappings and what is in them; numbers stay what they are."""
    value = SCRUBBER.value("body", {"a": [{"password": "x1", "n": 5}, SECRETS["aws"]], "b": None})
    assert value == {"a": [{"password": "[scrubbed: password]", "n": 5}, "[scrubbed: aws_access_key]"], "b": None}


@given(
    st.text(max_size=300)
    | st.lists(st.sampled_from([*SECRETS.values(), *PAIRS, *INNOCENT, " ", "\n", '"', "\\", "=", ":"]), max_size=12).map("".join)
)
def test_nothing_raises_and_a_second_pass_changes_nothing(text):
    """Whatever the text is."""
    once = SCRUBBER.text(text)
    assert SCRUBBER.text(once) == once
    assert len(once) <= 12 * len(text) + 64


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "key_",
        "sk-",
        "eyJ",
        "eyJaaaaaaaa.",
        "://a:b",
        "password:",
        'token="',
        "a_",
        "-----BEGIN PRIVATE KEY-----",
        "bearer ",
        "SG.aaaaaaaaaaaa.",
        "\\",
    ],
)
def test_no_text_takes_long(piece):
    """Time grows with the length only, whatever is repeated, and a slice holds the interpreter for some milliseconds at most."""

    def seconds(characters):
        text = (piece * (characters // len(piece) + 1))[:characters] + "token"
        begin = time.perf_counter()
        Scrubber().text(text)
        return time.perf_counter() - begin

    short = min(seconds(16_000) for _ in range(3))
    assert min(seconds(64_000) for _ in range(3)) < 12 * short + 0.05


def test_what_nobody_looks_at_does_not_leave():
    """A text of megabytes is cut to what is looked at, and says so."""
    scrubbed = SCRUBBER.text("x" * (LONGEST + 1000))
    assert len(scrubbed) < LONGEST + 100
    assert scrubbed.endswith("[1000 characters left out]")


def test_every_rule_has_a_hint():
    """A credential is only found in a text that the first quick look has not passed."""
    assert {item.rule for item in CREDENTIALS} >= {"openai_key", "anthropic_key", "aws_access_key"}
    for secret in SECRETS.values():
        assert SCRUBBER.text(secret) != secret
