"""The settings of the Collector that ``stack up`` reads from the environment, looked at before anything starts.

The Collector's own words for a wrong value name neither the variable nor the mend, and a duration without a unit is nanoseconds to it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from langswarm_otel.stack import StackError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["read"]

_FORMS: Final = {
    "REDACTION": (r"redaction/(content|credentials)", "redaction/content or redaction/credentials"),
    "SPAN_METRICS_INTERVAL": (r"0*[1-9]\d*(ms|s|m|h)", "a time with its unit, such as 15s"),
    "QUEUE_BYTES": (r"0*[1-9]\d{4,}", "a number of bytes from 10000 on, such as 500000000"),
    "MEMORY_LIMIT_MIB": (r"0*[1-9]\d*", "a number of MiB, such as 400"),
    "MEMORY_SPIKE_MIB": (r"0*[1-9]\d*", "a number of MiB below MEMORY_LIMIT_MIB, such as 80"),
    "LOGS_AUTHORIZATION": (r".+", ""),
}


def read(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that are set; an empty variable counts as not set, as everywhere in OpenTelemetry.

    Raises:
        StackError: a value is none that the Collector takes; names the variable, the value and what is expected.
    """
    found = {name: environment[name] for name in _FORMS if environment.get(name)}
    for name, value in found.items():
        form, expected = _FORMS[name]
        if not re.fullmatch(form, value):
            raise StackError(f"{name}={value!r} is not {expected}")
    if int(found.get("MEMORY_SPIKE_MIB", 80)) >= int(found.get("MEMORY_LIMIT_MIB", 400)):
        spike, limit = found.get("MEMORY_SPIKE_MIB", "80"), found.get("MEMORY_LIMIT_MIB", "400")
        raise StackError(f"MEMORY_SPIKE_MIB={spike} is not below MEMORY_LIMIT_MIB={limit}; set both")
    return found
