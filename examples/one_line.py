"""The same program with one line: settings are the environment's, or arguments of the call.

OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 OTEL_SERVICE_NAME=desk python one_line.py
"""

from __future__ import annotations

import asyncio

from langswarm_otel import configure_observability

configure_observability()

import zero_code  # noqa: E402 - imported before or after makes no difference

asyncio.run(zero_code.main())
