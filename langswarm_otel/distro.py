"""What ``opentelemetry-instrument`` starts: our distribution and our configurator, by entry point.

The loader takes the first distribution and the first configurator that it finds. With another one installed, choose ours by
``OTEL_PYTHON_DISTRO=langswarm`` and ``OTEL_PYTHON_CONFIGURATOR=langswarm``.
"""

from __future__ import annotations

import os
from typing import Any

from opentelemetry.instrumentation.distro import BaseDistro
from opentelemetry.instrumentation.environment_variables import OTEL_PYTHON_CONFIGURATOR


class LangSwarmDistro(BaseDistro):  # type: ignore[misc]  # upstream is untyped
    """Chooses our configurator, unless the environment names one."""

    def _configure(self, **_kwargs: Any) -> None:
        os.environ.setdefault(OTEL_PYTHON_CONFIGURATOR, "langswarm")


class LangSwarmConfigurator:
    """Configures telemetry from the environment; the loader instruments LangSwarm itself, afterwards."""

    def configure(self, **_kwargs: Any) -> None:
        """Call ``configure_observability`` with the preset and the settings of the environment.

        Raises:
            ConfigurationError: a setting is wrong; the loader logs it and starts the program without telemetry.
        """
        from langswarm_otel.runtime import configure_observability  # noqa: PLC0415 - the SDK is loaded when it is configured

        # The program may configure telemetry itself when it starts, under a name of its own.
        configure_observability(instrument=False).make_provisional()
