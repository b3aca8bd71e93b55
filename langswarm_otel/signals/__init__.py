"""Spans, metrics and logs on the OpenTelemetry API alone, so that they work on any provider."""
