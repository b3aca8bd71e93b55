"""What is raised where a record cannot be encoded."""

from __future__ import annotations


class EncodingError(ValueError):
    """A record that neither we nor the official encoder can write; its text names the kind of fault, never a value of the record."""


class UnknownError(Exception):
    """Something of a record that is not in our tables, but may well be in those of the official encoder."""
