"""OpenTelemetry distribution for LangSwarm."""
