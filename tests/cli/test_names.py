"""The list of what is emitted is the catalogue, and the page in the documentation is that list."""

from __future__ import annotations

import json
from pathlib import Path

from langswarm_otel import semconv
from langswarm_otel.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "what-we-emit.md"


def printed(capsys, *arguments):
    assert main(["names", *arguments]) == 0
    return capsys.readouterr().out


def test_the_page_in_the_documentation_is_up_to_date(capsys):
    """``make docs`` writes it; a change of the catalogue without it fails here."""
    assert PAGE.read_text() == printed(capsys), "run `make docs`"


def test_every_name_of_the_catalogue_is_on_the_page(capsys):
    """Metrics with unit and Prometheus name, keys of spans, log lines and the resource."""
    page = printed(capsys, "--format", "markdown")
    for metric in semconv.METRICS:
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{metric.name}` |")]
        assert f"| `{metric.unit}` |" in row
        assert f"| `{metric.prometheus_name}` |" in row
    keys = {*semconv.EVERY_SPAN, *semconv.LOG_KEYS, *(key for one in (*semconv.SPANS, *semconv.METRICS) for key in one.attributes)}
    assert [key for key in keys if f"`{key}`" not in page] == []


def test_content_is_marked(capsys):
    """Every content key in the table of spans has its mark, nothing else has."""
    page = printed(capsys)
    marked = {part.split("`")[-2] for part in page.split("†")[:-1] if part.endswith("`")}
    assert marked == {key for span in semconv.SPANS for key in span.attributes} & semconv.CONTENT_KEYS


def test_json_holds_the_whole_catalogue(capsys):
    """Machines read buckets, profiles and allow-lists from it."""
    catalogue = json.loads(printed(capsys, "--format", "json"))
    assert [metric["name"] for metric in catalogue["metrics"]] == [metric.name for metric in semconv.METRICS]
    (duration,) = [metric for metric in catalogue["metrics"] if metric["name"] == "gen_ai.client.token.usage"]
    assert duration["buckets"] == list(semconv.TOKENS)
    assert duration["semconv_profiles"] == ["g1", "both"]
    assert duration["prometheus_name"] == "gen_ai_client_token_usage"
    assert {span["operation"] for span in catalogue["spans"]} == {span.operation for span in semconv.SPANS}
    assert "service.name" in catalogue["resource_attributes"]
    assert catalogue["log_keys"] == list(semconv.LOG_KEYS)
