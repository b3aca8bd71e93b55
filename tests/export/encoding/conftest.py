"""The official encoder and the SDK write a line for each bad value; here there are thousands."""

from __future__ import annotations

import logging

import pytest


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    for name in ("opentelemetry.attributes", "opentelemetry.exporter.otlp.proto.common._internal", "opentelemetry.sdk.trace"):
        monkeypatch.setattr(logging.getLogger(name), "disabled", True)
    for name in ("opentelemetry.trace.status", "opentelemetry.exporter.otlp.proto.common._internal.metrics_encoder"):
        monkeypatch.setattr(logging.getLogger(name), "disabled", True)
