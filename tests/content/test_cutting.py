"""What is too large is cut so that its length and a digest can still be told, and a record keeps to its budget."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langswarm_otel.content.cutting import LEAST, cut_text, cut_value, digest, is_small, size_of, within_budget
from langswarm_otel.content.gate import jsonable


def test_a_cut_text_says_how_long_it_was():
    """The mark has the length and the first 16 digits of the SHA-256, and the whole keeps to the limit."""
    text = "no word is like another: " * 1000
    cut = jsonable(text, 8192)
    assert len(cut) == 8192
    assert cut.endswith(f"... [cut: 25000 characters, sha256 {hashlib.sha256(text.encode()).hexdigest()[:16]}]")
    assert text.startswith(cut[:8000])


def test_equal_texts_have_equal_digests_and_others_have_others():
    """Also where only the beginning and the end are looked at."""
    long = "x" * 3_000_000
    assert digest(long) == digest("x" * 3_000_000)
    assert digest(long) != digest("x" * 2_999_999 + "y")


@given(st.text(max_size=2000), st.integers(0, 2500))
def test_a_text_keeps_to_any_limit(text, limit):
    """However short that is."""
    assert len(cut_text(text, limit)) <= limit or cut_text(text, limit) == text


VALUES = st.text(max_size=800) | st.lists(st.text(max_size=200), max_size=8) | st.integers() | st.booleans()


@given(st.lists(st.dictionaries(st.text(max_size=5), VALUES, max_size=6), min_size=1, max_size=4), st.integers(300, 4000))
def test_a_record_keeps_to_its_budget(mappings, budget):
    """The largest are cut first; small values and numbers stay, and so does every key."""
    kept = within_budget(mappings, budget)
    if kept is None:
        assert sum(size_of(value) for mapping in mappings for value in mapping.values()) <= budget
        return
    values = [value for mapping in kept for value in mapping.values()]
    assert sum(map(size_of, values)) <= max(budget, LEAST * len(values)) + 80 * len(values)
    assert [set(mapping) for mapping in kept] == [set(mapping) for mapping in mappings]
    for before, after in zip(mappings, kept, strict=True):
        for key, value in before.items():
            assert after[key] == value or size_of(value) > LEAST


@pytest.mark.parametrize(("value", "size"), [("é" * 1000, 300), ("日本" * 500, 301), ("🎉" * 400, 302)])
def test_a_cut_is_at_the_border_of_a_letter(value, size):
    """No half of a letter is left."""
    cut = cut_value(value, size)
    assert len(cut.encode()) <= size
    assert value.startswith(cut.partition("... [cut")[0])


def test_the_quick_look_never_says_small_of_what_is_large():
    """It may only err the other way."""
    assert is_small({"a": "x" * 100, "n": 1}, "body", 1000)
    assert not is_small({"a": "x" * 1000}, None, 1000)
    assert not is_small({"a": ["x"]}, None, 1000)


def test_a_text_inside_json_that_was_cut_says_so_too():
    """The JSON stays valid, and the large text in it has its true length and digest."""
    text = "no word is like another: " * 40_000
    found = json.loads(jsonable({"query": "why", "result": text, "more": ["x" * 100] * 20}, 8192))
    assert found["query"] == "why"
    assert found["result"].endswith(f"... [cut: {len(text)} characters, sha256 {digest(text)}]")
    assert text.startswith(found["result"][:200])
