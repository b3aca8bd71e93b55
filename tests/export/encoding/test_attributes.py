"""The caches: bounded whatever comes, right whatever was there before."""

from __future__ import annotations

import random
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from otlp_compare import plain_attributes

from langswarm_otel import guard
from langswarm_otel.export.encoding import attributes
from langswarm_otel.export.encoding.attributes import AttributeFields
from langswarm_otel.export.encoding.wire import VARINTS, TextFields, signed_varint, text_field, varint, zigzag


def decoded(fields):
    """The pairs, as protobuf reads them in a message whose attributes have the tag 1."""
    return Resource.FromString(b"\x0a".join([b"", *fields])).attributes


def size_of(fields):
    """Everything that a cache keeps."""
    return sum(attributes._KEY_ENTRIES + len(known.texts) for known in fields._keys.values())


def encode(fields, **found):
    parts = []
    fields.append(parts, found)
    return parts


def test_many_keys_and_values_are_bounded():
    """More than a cache holds, again and again: what it gives stays right, and it stays small."""
    fields = AttributeFields()
    for number in range(2 * attributes.MAX_ENTRIES):
        (pair,) = decoded(encode(fields, **{f"key {number}": f"value {number}"}))
        assert (pair.key, pair.value.string_value) == (f"key {number}", f"value {number}")
        assert size_of(fields) <= attributes.MAX_ENTRIES


def test_a_key_with_ever_new_values_does_not_push_out_others():
    """Values of a session id hardly repeat: its key keeps a few, and all other pairs stay where they are."""
    fields = AttributeFields()
    stays = encode(fields, model="gpt-4o")[0]
    for number in range(20_000):
        encode(fields, session=f"s-{number}", model="gpt-4o")
    assert len(fields._keys["session"].texts) <= attributes.MAX_VALUES
    assert encode(fields, model="gpt-4o")[0] is stays


def test_a_key_takes_to_its_new_values():
    """What a key kept in the morning does not keep out what it has in the evening."""
    fields = AttributeFields()
    for number in range(1000):
        encode(fields, user=f"old {number}")
    for number in range(4000):
        encode(fields, user=f"new {number % 10}")
    first, second = encode(fields, user="new 5")[0], encode(fields, user="new 5")[0]
    assert first is second


def test_long_texts_and_numbers_are_not_kept():
    fields = AttributeFields()
    encode(fields, text="x" * (attributes.MAX_TEXT + 1), big=2**40, small=1, number=1.5, many=("a", "b"), nothing=None, data=b"x")
    assert {key: len(known.texts) for key, known in fields._keys.items()} == dict.fromkeys(fields._keys, 0)
    encode(fields, **{"k" * (attributes.MAX_TEXT + 1): 1})
    assert len(fields._keys) == 7


def test_a_text_of_another_class_is_not_taken_for_one_that_is_kept():
    """Such as a name that compares without regard to case."""

    class Caseless(str):
        __slots__ = ()

        def __eq__(self, other):
            return self.lower() == other.lower()

        def __hash__(self):
            return hash(self.lower())

    fields = AttributeFields()
    encode(fields, a="abc")
    assert decoded(encode(fields, a=Caseless("ABC")))[0].value.string_value == "ABC"
    names = TextFields(lambda text: text_field(b"\x0a", text))
    names.add("abc")
    names.add(Caseless("XYZ"))
    assert list(names) == ["abc"]


def test_what_cannot_be_encoded_is_counted():
    """One line for the first, a count for the others, and the others of the same record are there."""
    pairs = decoded(encode(AttributeFields(), **{"bad \ud800": 1, "good": 1, "big": 2**64, "object": object()}))
    assert [pair.key for pair in pairs] == ["good"]
    assert guard.faults() == {"encoding of an attribute": 3}


@settings(max_examples=40)
@given(st.lists(plain_attributes, min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_what_is_remembered_makes_no_difference(found, order):
    """In any order, the first time and later, the same bytes come out for the same attributes."""
    fields = AttributeFields()
    fresh = [AttributeFields().joined(b"\x4a", one) for one in found]
    for index in order.sample(range(len(found)), len(found)) * 2:
        assert fields.joined(b"\x4a", found[index]) == fresh[index]


def test_threads_that_share_a_cache_get_the_right_bytes():
    """One thread at a time is what is promised; if it happens otherwise, the bytes are right all the same."""
    fields, wrong = AttributeFields(), []

    def work(seed):
        chosen = random.Random(seed)
        for _ in range(3000):
            key, value = f"k{chosen.randrange(300)}", f"v{chosen.randrange(300)}"
            (pair,) = decoded(encode(fields, **{key: value}))
            if (pair.key, pair.value.string_value) != (key, value):
                wrong.append((key, value))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert size_of(fields) <= attributes.MAX_ENTRIES + 8


def test_names_are_bounded():
    names = TextFields(lambda text: text_field(b"\x0a", text))
    for number in range(5000):
        field = names.get(f"n{number}") or names.add(f"n{number}")
        assert KeyValue.FromString(field).key == f"n{number}"
        assert len(names) <= 512
    names.add("x" * 97)
    assert "x" * 97 not in names
    assert names.add("") == names.add(None) == b""


@pytest.mark.parametrize("number", [0, 1, 127, 128, 16383, 16384, 2**21 - 1, 2**21, 2**32, 2**63 - 1, 2**63, 2**64 - 1])
def test_varints_are_those_of_protobuf(number):
    from google.protobuf.internal.encoder import _VarintBytes

    assert varint(number) == VARINTS[number] == _VarintBytes(number)
    assert len(VARINTS) <= 4096


def test_numbers_beyond_their_type_are_refused():
    for function, number in (
        (varint, 2**64),
        (signed_varint, 2**63),
        (signed_varint, -(2**63) - 1),
        (zigzag, 2**31),
        (zigzag, -(2**31) - 1),
    ):
        with pytest.raises(OverflowError):
            function(number)
    with pytest.raises(ValueError):
        varint(-1)
