"""The JSON of a line: the same with and without orjson."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import json
import re
import uuid
from collections import namedtuple
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from langswarm_otel.signals import log_rendering
from langswarm_otel.signals.log_output import LineLogger, LineOutput
from langswarm_otel.signals.log_rendering import json_line, render_json, render_line

pytestmark = pytest.mark.skipif(log_rendering.orjson is None, reason="orjson is not installed")


class Colour(enum.Enum):
    """An enumeration whose members are no primitives."""

    RED = "red"
    MANY = (1, 2)
    NONE = None
    ODD = float("nan")


class Number(enum.IntEnum):
    """One whose members are integers."""

    ONE = 1


class Text(str):
    """A string of a kind of its own."""

    __slots__ = ()


@dataclasses.dataclass
class Cart:
    """With a field that orjson would leave out by itself."""

    items: object
    _secret: object = None


Pair = namedtuple("Pair", "left right")  # noqa: PYI024 - as users have them

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**64), 2**64),
    st.floats(),
    st.text(),
    st.text(alphabet="a\ud800\udc00\n\x1b\u2028\x7f\0"),
    st.binary(max_size=4),
    st.datetimes(timezones=st.sampled_from([None, dt.timezone.utc, dt.timezone(dt.timedelta(hours=-3, minutes=30))])),
    st.dates(),
    st.times(),
    st.uuids(),
    st.sampled_from([*Colour, Number.ONE, Text("text"), ValueError("v"), object, len]),
    st.sets(st.integers(), max_size=3),
)
KEYS = st.one_of(
    st.text(max_size=4), st.integers(), st.booleans(), st.none(), st.floats(), st.just("\ud800"), st.just((1, 2)), st.just(Number.ONE)
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner),
        st.dictionaries(KEYS, inner, max_size=3),
        st.builds(Cart, inner, inner),
        st.builds(Pair, inner, inner),
    ),
    max_leaves=5,
)
EVENTS = st.dictionaries(st.text(max_size=4), VALUES, max_size=4)


def both(event):
    """Return the line with orjson, and the one without."""
    fast = json_line(event)
    with mock.patch.object(log_rendering, "orjson", None):
        return fast, json_line(event)


def read(line):
    """Read a line with every key in its place, and numbers by their value, also those that are keys."""

    def pairs(members):
        return [(float(key) if re.fullmatch(r"-?[0-9.]+e[-+]?[0-9]+", key) else key, value) for key, value in members]

    return json.loads(line, object_pairs_hook=pairs)


@given(event=EVENTS)
@example(event={"a": 2**80})
@example(event={"a": float("nan")})
@example(event={"a": None, "b": [float("inf")]})
@example(event={"a": {None: 1, True: 2, 1.5: 3, 4: 4}})
@example(event={"a": Cart([1], float("nan"))})
@example(event={"a": dt.datetime(1, 1, 1, tzinfo=dt.timezone.utc), "b": dt.datetime(2026, 1, 1)})
@example(event={"a": uuid.UUID(int=1), "b": Colour.NONE})
def test_a_line_says_the_same_without_orjson(event):
    """Keys, their order, values and their types; only the exponent of a float may be written another way (1e16, 1e+16)."""
    fast, slow = both(event)
    assert read(fast) == read(slow)
    for line in (fast, slow):
        assert line.endswith(b"\n")
        assert line.count(b"\n") == 1


@given(event=st.dictionaries(st.text(max_size=4), st.one_of(st.text(), st.integers(), st.booleans(), st.none()), max_size=4))
def test_lines_without_floats_are_the_same_bytes(event):
    """Escapes and blanks too."""
    fast, slow = both(event)
    assert fast == slow


def test_depth_beyond_orjson_s_is_written_all_the_same():
    """It gives up at some 250 levels, and says so."""
    deep = 0
    for _ in range(400):
        deep = [deep]
    fast, slow = both({"deep": deep})
    assert fast == slow


def test_lines_for_our_loggers_are_bytes_and_others_get_text():
    """A stdlib logger's message is a string; so is what structlog's own loggers print."""
    ours = render_line(LineLogger(LineOutput(None)), "info", {"event": "grün"})
    other = render_line(None, "info", {"event": "grün"})
    assert ours == '{"event":"grün"}\n'.encode()
    assert other == '{"event":"grün"}' == render_json(None, "info", {"event": "grün"})


@pytest.mark.parametrize("library", ["orjson", "json"])
def test_an_exception_is_on_the_line(library, monkeypatch):
    """As structlog's ``format_exc_info`` writes it."""
    if library == "json":
        monkeypatch.setattr(log_rendering, "orjson", None)
    try:
        raise ValueError("broken")
    except ValueError:
        line = json.loads(render_line(LineLogger(LineOutput(None)), "error", {"event": "e", "exc_info": True}))
    assert list(line) == ["event", "exception"]
    assert line["exception"].endswith("ValueError: broken")
    assert json.loads(render_line(None, "info", {"event": "e", "exc_info": False})) == {"event": "e"}
