"""Threads that export: what they do themselves must not be exported in turn, or it would go round for ever."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import opentelemetry.context as otel_context

from langswarm_otel.export.noise import here
from langswarm_otel.export.sdk_private import SUPPRESS_INSTRUMENTATION_KEY, suppress_instrumentation_in_this_thread

if TYPE_CHECKING:
    from collections.abc import Iterator


def enter_worker_thread() -> None:
    """Make the present thread one whose own doings are neither traced by instrumentors nor offered to any hub."""
    here.exporting = True
    suppress_instrumentation_in_this_thread()


@contextlib.contextmanager
def as_worker() -> Iterator[None]:
    """Make the present thread such a one for a while."""
    before, here.exporting = here.exporting, True
    key = SUPPRESS_INSTRUMENTATION_KEY
    token = None if key is None else otel_context.attach(otel_context.set_value(key, value=True))
    try:
        yield
    finally:
        if token is not None:
            otel_context.detach(token)
        here.exporting = before
