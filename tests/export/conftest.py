"""What tests of OTLP over HTTP share."""

from __future__ import annotations

import hub_exporters
import pytest


@pytest.fixture(params=[None, "watched"], ids=["ours", "official"])
def each_exporter(request, monkeypatch):
    """Run the test with our exporters over HTTP and with the official ones; the value is as in ``build_otlp``."""
    monkeypatch.setattr(hub_exporters, "official", request.param)
    return request.param
