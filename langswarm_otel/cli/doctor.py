"""``langswarm-otel doctor``: why does nothing arrive? Checks the way to the receiver, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from langswarm_otel.cli.terminal import paint
from langswarm_otel.endpoints import SIGNALS, mask
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.tree import one_line

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from langswarm_otel.cli.findings import Finding
    from langswarm_otel.config import ObservabilityConfig, OtlpTarget, SignalName

_COLUMN: Final = 8
_TIMEOUT_S: Final = 5.0


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "doctor",
        help="find out why nothing arrives at the Collector",
        description="Checks name, port, TLS and protocol, then sends an empty request of each signal; exits 1 if something fails. "
        "Without options it checks what configure_observability() would use, environment included.",
    )
    parser.add_argument("--endpoint", metavar="URL", help="base endpoint, like http://collector:4318")
    parser.add_argument("--protocol", choices=("http/protobuf", "grpc"), help="how OTLP travels")
    parser.add_argument("--preset", help="preset to start from (default: production, or LANGSWARM_OTEL_PRESET)")
    parser.add_argument(
        "--timeout", type=_seconds, default=_TIMEOUT_S, metavar="S", help="longest time of each check (default: %(default)g)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check, print one line a check, and return 1 if one fails."""
    try:
        targets = _targets(_config(arguments))
    except ConfigurationError as error:
        print(_line("FAIL", "settings", str(error)))
        return 1
    failed = 0
    for finding in examine(targets, arguments.timeout):
        failed += not finding.ok
        print(_line("ok" if finding.ok else "FAIL", finding.check, str(finding)), flush=True)
    print(f"\n{failed} of these checks failed" if failed else "\neverything arrives")
    return 1 if failed else 0


def _config(arguments: argparse.Namespace) -> ObservabilityConfig:
    """Return the settings that hold, after environment and preset.

    Raises:
        ConfigurationError: they are wrong, or say that nothing is sent, or leave it to a file.
    """
    from langswarm_otel import environment, presets  # noqa: PLC0415 - on use

    given: dict[str, Any] = {name: getattr(arguments, name) for name in ("endpoint", "protocol") if getattr(arguments, name) is not None}
    resolved = environment.resolve(presets.by_name(arguments.preset, **given))
    if resolved.config.disabled:
        source = next((setting.source for setting in resolved.settings if setting.name == "disabled"), "")
        raise ConfigurationError("disabled", value=True, mend=f"telemetry is switched off ({source}); switch it on, then ask again")
    if resolved.config.config_file is not None:
        mend = "this file decides where telemetry goes; unset OTEL_CONFIG_FILE and give --endpoint to check an address in it"
        raise ConfigurationError("config_file", resolved.config.config_file, mend)
    return resolved.config


def _targets(config: ObservabilityConfig) -> dict[SignalName, OtlpTarget]:
    """Return where each signal goes; signals that are not exported over OTLP are said and left out."""
    targets: dict[SignalName, OtlpTarget] = {}
    for signal in SIGNALS:
        exporters = config.exporters(signal)
        if "otlp" in exporters:
            targets[signal] = config.otlp(signal)
            print(_line("-", signal, f"go to {mask(targets[signal].url)} over {targets[signal].protocol}"))
        else:
            print(_line("-", signal, f"are not exported over OTLP (exporters: {', '.join(exporters) or 'none'})"))
    if not targets:
        raise ConfigurationError("exporters", "none", "no signal is exported over OTLP; give --endpoint, or --preset production")
    print()
    return targets


def examine(targets: dict[SignalName, OtlpTarget], timeout_s: float) -> Iterator[Finding]:
    """Yield what was found: each address once, then the signals whose address is in order."""
    from langswarm_otel.cli.address_checks import Address, check_name, check_port, check_tls  # noqa: PLC0415 - on use
    from langswarm_otel.cli.findings import good  # noqa: PLC0415 - on use
    from langswarm_otel.cli.grpc_check import check_grpc  # noqa: PLC0415 - on use
    from langswarm_otel.cli.http_check import check_http, proxy_of  # noqa: PLC0415 - on use

    reached: dict[tuple[Address, str | None], bool] = {}
    for signal, target in targets.items():
        address = Address.of(target.url)
        proxy = proxy_of(target.url) if target.protocol != "grpc" else None
        if (address, proxy) not in reached:
            if proxy is not None:
                yield good("proxy", f"requests to {address} go through {proxy}, as HTTP_PROXY and its like say")
            first = Address.of(proxy) if proxy is not None else address
            ok = True
            for check in (check_name, check_port):
                if ok:
                    finding = check(first, timeout_s)
                    ok = finding.ok
                    yield finding
            if ok and proxy is None:
                finding = check_tls(address, timeout_s, target)
                ok = finding.ok
                yield finding
            reached[address, proxy] = ok
        if reached[address, proxy]:
            yield (check_grpc if target.protocol == "grpc" else check_http)(signal, target, timeout_s)


def _line(mark: str, check: str, says: str) -> str:
    return f"{paint(f'{mark:>4}', mark)}  {check:<{_COLUMN}}  {one_line(says)}"


def _seconds(text: str) -> float:
    """Read a number of seconds that a check can wait."""
    import argparse  # noqa: PLC0415 - loaded by then

    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 60:  # noqa: PLR2004 - a minute is patient enough
        raise argparse.ArgumentTypeError("give a number of seconds from 0 to 60")
    return seconds
