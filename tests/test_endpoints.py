"""Endpoints: one way to read them, from any spelling, without ever repeating a secret."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from langswarm_otel import endpoints
from langswarm_otel.endpoints import DEFAULT_PORTS, SIGNALS
from langswarm_otel.errors import ConfigurationError

NAMES = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=12)
HOSTS = st.one_of(
    st.lists(NAMES, min_size=1, max_size=3).map(".".join),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda address: f"[{address}]"),
)
BASES = st.builds(
    lambda scheme, host, port, path, tail: f"{scheme}{host}{port}{path}{tail}",
    st.sampled_from(["", "http://", "https://", "HTTP://", "hTTps://"]),
    HOSTS,
    st.one_of(st.just(""), st.integers(1, 65_535).map(lambda port: f":{port}")),
    st.lists(NAMES, max_size=2).map(lambda parts: "".join(f"/{part}" for part in parts)),
    st.sampled_from(["", "/", "//", "/v1/traces", "/v1/logs/", "/v1/metrics", "/v1/traces/v1/traces"]),
)


@settings(deadline=None)
@given(BASES)
def test_reading_a_base_endpoint_is_idempotent(text):
    """What normalisation returns is normal: reading it again changes nothing, whatever the spelling."""
    once = endpoints.parse_base("endpoint", text)
    assert endpoints.parse_base("endpoint", str(once)) == once
    assert str(endpoints.parse_base("endpoint", str(once))) == str(once)


@settings(deadline=None)
@given(BASES, st.sampled_from(["http/protobuf", "grpc"]), st.sampled_from([None, True, False]))
def test_completing_is_idempotent_and_leaves_no_gap(text, protocol, insecure):
    """A complete endpoint has a scheme, keeps what was written, and is not completed a second time."""
    parsed = endpoints.parse_base("endpoint", text)
    complete = endpoints.complete(parsed, protocol, insecure=insecure)
    assert complete.scheme in ("http", "https")
    assert endpoints.complete(endpoints.parse_base("endpoint", str(complete)), protocol, insecure=insecure) == complete
    assert (complete.host, complete.path) == (parsed.host, parsed.path)
    if parsed.scheme is not None:
        assert complete == parsed
    elif parsed.port is None:
        assert complete.port == DEFAULT_PORTS[protocol]


@settings(deadline=None)
@given(BASES)
def test_a_signals_path_stands_once(text):
    """Whatever path was on the base, the URL of a signal ends in its path exactly once."""
    base = endpoints.complete(endpoints.parse_base("endpoint", text), "http/protobuf", insecure=None)
    for signal in SIGNALS:
        url = endpoints.signal_url(base, signal, "http/protobuf")
        assert url.endswith(f"/v1/{signal}")
        assert url.count("/v1/") == 1 + base.path.count("/v1/")
        assert "//v1" not in url


@pytest.mark.parametrize(
    "text",
    [
        "http://collector:4318",
        "http://collector:4318/",
        "http://collector:4318/v1/traces",
        "http://collector:4318/v1/traces/",
        "HTTP://Collector:4318/v1/metrics",
        "collector:4318",
        "collector:4318/",
        "collector:4318/v1/logs",
        "collector",
        "  http://collector:4318\n",
    ],
)
def test_all_spellings_of_one_place_are_one_place(text):
    """With and without scheme, slash, signal path, default port and stray spaces, the same Collector is meant."""
    base = endpoints.complete(endpoints.parse_base("endpoint", text), "http/protobuf", insecure=None)
    assert endpoints.signal_url(base, "traces", "http/protobuf") == "http://collector:4318/v1/traces"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://otlp.vendor.example", "https://otlp.vendor.example/v1/traces"),
        ("https://vendor.example/otlp/", "https://vendor.example/otlp/v1/traces"),
        ("http://vendor.example/v1", "http://vendor.example/v1/v1/traces"),
        ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
        ("[::1]:4318", "http://[::1]:4318/v1/traces"),
        ("http://[2001:DB8:0:0::1]/x", "http://[2001:db8::1]/x/v1/traces"),
        ("http://under_score.internal:80", "http://under_score.internal:80/v1/traces"),
    ],
)
def test_paths_ports_and_ipv6_are_kept(text, url):
    """A path of the base stays, no port is added under a scheme, and IPv6 literals work."""
    base = endpoints.complete(endpoints.parse_base("endpoint", text), "http/protobuf", insecure=None)
    assert endpoints.signal_url(base, "traces", "http/protobuf") == url


@pytest.mark.parametrize(
    ("text", "insecure", "url"),
    [
        ("localhost:4317", None, "http://localhost:4317"),
        ("127.0.0.1:4317", None, "http://127.0.0.1:4317"),
        ("[::1]", None, "http://[::1]:4317"),
        ("collector:4317", None, "https://collector:4317"),
        ("collector", True, "http://collector:4317"),
        ("localhost", False, "https://localhost:4317"),
        ("http://collector:4317/v1/traces", None, "http://collector:4317"),
    ],
)
def test_grpc_without_a_scheme_is_encrypted_unless_it_stays_here(text, insecure, url):
    """OpenTelemetry defines gRPC without a scheme as encrypted; ``insecure`` decides otherwise, and loopback needs no encryption."""
    base = endpoints.complete(endpoints.parse_base("endpoint", text), "grpc", insecure=insecure)
    assert endpoints.signal_url(base, "logs", "grpc") == url
    endpoints.check_protocol("endpoint", url, "grpc", insecure=insecure)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("http://", "host"),
        ("http:///v1/traces", "host"),
        ("/v1/traces", "host"),
        ("http:/collector:4318", "scheme"),
        ("http:collector:4318", "scheme"),
        ("ftp://collector", "scheme"),
        ("unix:///run/collector.sock", "scheme"),
        ("grpc://collector:4317", "scheme"),
        ("http://collector:port", "port"),
        ("http://collector:", "port"),
        ("http://collector:0", "port"),
        ("http://collector:65536", "port"),
        ("http://collector:99999999999999999999", "port"),
        ("http://collector:-1", "port"),
        ("http://collector:\u0664\u0663", "port"),
        ("http://::1:4318", "brackets"),
        ("::1", "brackets"),
        ("http://[::1", "brackets"),
        ("http://[collector]:4318", "brackets"),
        ("http://[::1]x:4318", "brackets"),
        ("http://coll ector:4318", "spaces"),
        ("http://coll\tector:4318", "spaces"),
        ("http://collector\x00:4318", "control"),
        ("http://collector..internal", "host"),
        ("http://collector:4318?key=1", "query"),
        ("http://collector:4318/#x", "fragment"),
    ],
)
def test_what_is_no_endpoint_is_refused_with_a_mend(text, word):
    """Bad schemes, hosts, ports, spaces and the like raise an error that names the setting and says what is wrong."""
    with pytest.raises(ConfigurationError) as caught:
        endpoints.parse_base("endpoint", text)
    assert caught.value.field == "endpoint"
    assert word in caught.value.mend


@pytest.mark.parametrize("value", [None, 4318, b"http://collector", ["http://collector"], True])
def test_an_endpoint_is_a_text(value):
    """Nothing but a text is taken for an endpoint."""
    with pytest.raises(ConfigurationError, match="string"):
        endpoints.parse_base("endpoint", value)


SECRETS = st.text(string.ascii_letters + string.digits, min_size=6, max_size=12).map(lambda word: f"S{word}S")


@settings(deadline=None)
@given(
    SECRETS,
    st.sampled_from(
        [
            "http://user:{0}@collector:4318",
            "http://{0}@collector:4318",
            "user:{0}@collector:4318",
            "https://user:{0}/x@collector",
            "http://user:{0}?x@collector:4318",
            "http://user:{0}#x@collector:4318",
            "http://user:{0}@x@collector:4318",
            "http://user:{0} @collector:4318",
            "ftp://user:{0}@collector:4318",
            "http:user:{0}@collector:4318",
            "http://user:{0}@collector:port",
            "http://user:{0}@",
            "http://collector:4318?token={0}",
        ]
    ),
)
def test_no_message_repeats_a_secret(secret, pattern):
    """Credentials and queries are refused, and neither the error, its value nor its causes hold the secret."""
    for read in (endpoints.parse_base, endpoints.check_exact):
        if read is endpoints.check_exact and "token" in pattern:
            assert secret not in endpoints.mask(read("endpoint", pattern.format(secret)))
            continue
        with pytest.raises(ConfigurationError) as caught:
            read("endpoint", pattern.format(secret))
        error = caught.value
        assert secret not in f"{error} {error.value} {error.mend}"
        assert error.__cause__ is None


def test_credentials_point_to_headers():
    """The error about credentials says where they go instead."""
    with pytest.raises(ConfigurationError, match="headers=") as caught:
        endpoints.parse_base("endpoint", "http://user:hunter2@collector:4318")
    assert "http://***@collector:4318" in str(caught.value)


@pytest.mark.parametrize("text", ["http://c:1/", "https://c/otlp/v1/traces/", "http://c/v1/traces?a=b@c", "http://C:80/X"])
def test_the_endpoint_of_one_signal_stays_as_it_is(text):
    """Nothing is added to, cut from or changed in the endpoint of one signal."""
    assert endpoints.check_exact("traces.endpoint", f" {text} ") == text
    assert endpoints.exact_url("traces.endpoint", text, "http/protobuf", insecure=None) == text


def test_the_endpoint_of_one_signal_needs_its_scheme_over_http():
    """As it is used exactly, there is nothing to guess the scheme from."""
    with pytest.raises(ConfigurationError, match="http://"):
        endpoints.exact_url("traces.endpoint", "collector:4318", "http/protobuf", insecure=None)
    assert endpoints.exact_url("traces.endpoint", "collector:4317", "grpc", insecure=True) == "http://collector:4317"


@pytest.mark.parametrize(
    ("url", "protocol", "insecure", "words"),
    [
        ("http://c:4317/v1/traces", "http/protobuf", None, ["4317", "gRPC", 'protocol="grpc"', "4318"]),
        ("http://c:4318", "grpc", None, ["4318", "HTTP", 'protocol="http/protobuf"', "4317"]),
        ("http://c:4317/otlp", "grpc", None, ["path"]),
        ("http://c:4317", "grpc", False, ["https://"]),
    ],
)
def test_a_protocol_that_does_not_fit_is_explained(url, protocol, insecure, words):
    """The other protocol's port, a path under gRPC, and ``insecure=False`` beside ``http://`` are errors that name both mends."""
    with pytest.raises(ConfigurationError) as caught:
        endpoints.check_protocol("endpoint", url, protocol, insecure=insecure)
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("a.localhost", True),
        ("127.8.0.1", True),
        ("[::1]", True),
        ("localhost.example", False),
        ("10.0.0.1", False),
    ],
)
def test_loopback_is_recognised(host, loopback):
    """Only names and addresses of this machine count as staying on it."""
    assert endpoints.parse_base("endpoint", host).is_loopback is loopback
