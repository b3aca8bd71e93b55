"""``OTEL_CONFIG_FILE``: the pipelines come from OpenTelemetry's own declarative configuration, our processors join them.

The file decides everything that it can; other ``OTEL_*`` variables are ignored then, as the SDK does. What stays ours is the deadline at
exit: the providers' own exit hooks, which have none, are taken back.
"""

from __future__ import annotations

import atexit
import importlib
import threading
import time
from typing import TYPE_CHECKING, Any

from langswarm_otel.errors import ConfigurationError
from langswarm_otel.guard import record_fault
from langswarm_otel.pipelines.foreign import ForeignProviders, find_foreign

if TYPE_CHECKING:
    from collections.abc import Callable


def configure_from_file(path: str) -> ForeignProviders:
    """Let OpenTelemetry build and install the global providers that a file describes.

    Args:
        path: a YAML or JSON file of the declarative configuration schema.

    Raises:
        ConfigurationError: the extra ``file`` is missing, a global provider exists already, or the file is not accepted.
    """
    try:
        configuration = importlib.import_module("opentelemetry.configuration")
    except ImportError as error:
        raise ConfigurationError("OTEL_CONFIG_FILE", path, "install the extra: pip install 'langswarm-otel[file]'") from error
    before = find_foreign(())
    if before:
        raise ConfigurationError(
            "OTEL_CONFIG_FILE", path, f"another global provider is set already ({before.describe()}); set up one of the two"
        )
    try:
        configuration.configure_sdk(configuration.load_config_file(path))
    except Exception as error:
        raise ConfigurationError("OTEL_CONFIG_FILE", path, f"OpenTelemetry does not accept this file: {error}") from error
    providers = find_foreign(())
    for provider in (providers.tracer, providers.meter, providers.logger):
        if provider is not None:
            atexit.unregister(provider.shutdown)
    return providers


def within(timeout_s: float, calls: list[Callable[[], Any]]) -> bool:
    """Run calls that know no deadline in parallel, in daemon threads; return whether all came back in time with no failure."""
    results: list[bool] = []

    def run(call: Callable[[], Any]) -> None:
        try:
            results.append(call() is not False)
        except Exception as error:  # noqa: BLE001 - the SDK's MeterProvider raises what its readers raised
            record_fault("declarative.shutdown", error)
            results.append(False)

    threads = [threading.Thread(target=run, args=(call,), daemon=True, name="langswarm-otel-deadline") for call in calls]
    deadline = time.monotonic() + timeout_s
    for thread, call in zip(threads, calls, strict=True):
        try:
            thread.start()
        except RuntimeError:  # noqa: PERF203 - see below
            # Python 3.12 starts no thread once the interpreter ends (python/cpython#113964): nothing else is left but this one.
            run(call)
    for thread in threads:
        if thread.ident is not None:
            thread.join(max(0.0, deadline - time.monotonic()))
    return len(results) == len(calls) and all(results)
