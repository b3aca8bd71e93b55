"""The table of presets: what each sets where it differs from ``production``, whose values are the defaults of the configuration itself."""

from __future__ import annotations

from typing import Any, Final

MEBIBYTE: Final = 1024 * 1024

PRESET_NAMES: Final = ("development", "testing", "production", "serverless")

DIFFERENCES: Final[dict[str, dict[str, Any]]] = {
    "production": {},
    "development": {
        "capture_content": True,
        "capture_user_id": True,
        "log_format": "console",
        "export_interval_s": 10.0,
        "schedule_delay_s": 0.2,
        "queue_max_bytes": 8 * MEBIBYTE,
        "shutdown_timeout_s": 2.0,
    },
    "testing": {
        "log_format": "console",
        "log_output": "none",
        "pipeline_metrics": False,
        "export_interval_s": None,
        "schedule_delay_s": 0.2,
        "queue_max_bytes": 8 * MEBIBYTE,
        "shutdown_timeout_s": 1.0,
    },
    "serverless": {
        "export_interval_s": None,
        "queue_max_bytes": 16 * MEBIBYTE,
        "shutdown_timeout_s": 2.0,
        "handle_signals": True,
    },
}
"""By preset, the settings that differ from production's."""

EXPORTERS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "production": {"traces": ("otlp",), "metrics": ("otlp",), "logs": ("otlp",)},
    "development": {"traces": ("console",), "metrics": (), "logs": ()},
    "testing": {"traces": ("memory",), "metrics": ("memory",), "logs": ("memory",)},
    "serverless": {"traces": ("otlp",), "metrics": ("otlp",), "logs": ("otlp",)},
}
"""By preset, the exporters of each signal that names none itself; ``development`` adds ``otlp`` where an endpoint is given.

The console of ``development`` shows the tree of each trace. Its log lines are printed by the logging set-up already, and metrics have
``statistics()``: a dump of either to the console would bury the tree.
"""
