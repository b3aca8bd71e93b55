"""Operations: agents, inferences, tools, sessions, memory, workflows and steps, on the OpenTelemetry API."""
