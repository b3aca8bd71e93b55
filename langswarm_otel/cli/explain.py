"""``langswarm-otel explain``: every setting, its value and where it came from, without sending or starting anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import argparse

_OVERRIDES: Final = {
    "service_name": "NAME",
    "service_version": "VERSION",
    "environment": "NAME",
    "endpoint": "URL",
    "protocol": "PROTOCOL",
    "sample_ratio": "RATIO",
}
"""Settings that can be tried out on the command line, as arguments of ``configure_observability``."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "explain",
        help="show every setting, its value and where it came from",
        description="Shows what configure_observability() would use here: arguments win over OTEL_* variables, and those over the preset.",
    )
    parser.add_argument("--preset", help="preset to start from (default: production, or LANGSWARM_OTEL_PRESET)")
    for name, placeholder in _OVERRIDES.items():
        kind = float if name == "sample_ratio" else str
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, metavar=placeholder, help="as the argument of that name")
    parser.add_argument("--changed", action="store_true", help="leave out what the preset decided")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    from langswarm_otel import environment, presets  # noqa: PLC0415 - on use
    from langswarm_otel.explain import Explanation  # noqa: PLC0415 - on use

    given: dict[str, Any] = {name: getattr(arguments, name) for name in _OVERRIDES if getattr(arguments, name) is not None}
    settings = environment.resolve(presets.by_name(arguments.preset, **given)).settings
    print(Explanation([setting for setting in settings if not (arguments.changed and setting.source.startswith("preset"))]))
    return 0
