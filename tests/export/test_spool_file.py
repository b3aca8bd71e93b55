"""One batch in one file: whole or not at all, and never taken for what it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langswarm_otel.export.spool_file import DamagedFileError, blocks, file_name, known_file, packed_file, read_file, write_file

SIGNALS = st.sampled_from(["traces", "metrics", "logs"])


@given(body=st.binary(max_size=5000), signal=SIGNALS)
def test_what_was_written_is_read(tmp_path_factory, body, signal):
    """The body comes back, and the name says how old it is and how many records it has."""
    path = tmp_path_factory.mktemp("spool") / file_name(17, 3)
    write_file(path, packed_file(body, signal))
    assert read_file(path, signal) == body
    assert (known_file(path).units, known_file(path).number, known_file(path).size) == (3, 17, blocks(path.stat().st_size))


@given(body=st.binary(min_size=1, max_size=500), signal=SIGNALS, data=st.data())
def test_a_changed_or_shortened_file_is_damaged(tmp_path_factory, body, signal, data):
    """A byte that is another, or the end that is missing, is seen."""
    content = bytearray(packed_file(body, signal))
    start = content.index(b"\n") + 1
    place = data.draw(st.integers(start, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        del content[place:]
    path = tmp_path_factory.mktemp("spool") / "file"
    path.write_bytes(bytes(content))
    with pytest.raises(DamagedFileError):
        read_file(path, signal)


@given(content=st.binary(max_size=2000))
def test_garbage_is_damaged(tmp_path_factory, content):
    """Nothing that others have written is taken for a batch."""
    path = tmp_path_factory.mktemp("spool") / "file"
    path.write_bytes(content)
    with pytest.raises(DamagedFileError):
        read_file(path, "logs")


def test_a_batch_of_another_signal_is_damaged(tmp_path):
    """Log records are not sent as spans."""
    path = tmp_path / "file"
    write_file(path, packed_file(b"x", "logs"))
    with pytest.raises(DamagedFileError, match="signal"):
        read_file(path, "traces")


def test_a_packed_bomb_is_damaged(tmp_path):
    """A small file that unpacks to more than is ever sent is not unpacked."""
    path = tmp_path / "file"
    write_file(path, packed_file(b"\0" * (65 * 1024 * 1024), "logs"))
    with pytest.raises(DamagedFileError, match="too large"):
        read_file(path, "logs")


def test_a_file_that_cannot_be_finished_leaves_nothing(tmp_path):
    """A name that is taken by a folder cannot be written; no half of a file stays."""
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "x").touch()
    with pytest.raises(OSError, match="directory"):
        write_file(tmp_path / "taken", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize("name", ["x.otlp", "-1.otlp", "1-.otlp", "1-2", "1-2.txt", "a-2.otlp", "1-b.otlp", "1-²-3.otlp"])
def test_other_names_are_not_ours(tmp_path, name):
    """A file of another name is no batch."""
    (tmp_path / name).touch()
    assert known_file(tmp_path / name) is None
