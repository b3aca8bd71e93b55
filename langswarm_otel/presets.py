r"""The presets: a whole configuration by one name, with keyword overrides for the rest.

==================  ================  ===========  ===========  ===========
\                   development       testing      production   serverless
==================  ================  ===========  ===========  ===========
exporter            console tree [1]  in memory    OTLP [2]     OTLP [2]
sampling            1.0, under a parent as the parent (all presets)
content, user id    recorded          no           no           no
log lines           for people        captured     JSON         JSON
metrics every       10 s              \-           60 s         unit of work
queue bound         8 MiB             8 MiB        64 MiB       16 MiB
exit deadline       2 s               1 s          5 s          2 s
on SIGTERM          \-                \-           \-           flush
==================  ================  ===========  ===========  ===========

[1] and OTLP for every signal that an endpoint is given for. [2] to ``http://localhost:4318`` if no endpoint is given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langswarm_otel.config import FIELD_NAMES, ObservabilityConfig, preset_defaults
from langswarm_otel.errors import ConfigurationError
from langswarm_otel.settings.preset_values import PRESET_NAMES
from langswarm_otel.settings.rules import MASK, near

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from langswarm_otel.settings.overrides import Overrides


def development(**overrides: Unpack[Overrides]) -> ObservabilityConfig:
    """Return settings for a developer's machine: traces as trees on the console, content recorded, OTLP only if an endpoint is given.

    Raises:
        ConfigurationError: an override is unknown or wrong.
    """
    return by_name("development", **overrides)


def testing(**overrides: Unpack[Overrides]) -> ObservabilityConfig:
    """Return settings for tests: everything in memory, nothing on the network.

    Raises:
        ConfigurationError: an override is unknown or wrong.
    """
    return by_name("testing", **overrides)


def production(**overrides: Unpack[Overrides]) -> ObservabilityConfig:
    """Return settings for a service: OTLP to a Collector, JSON log lines, no content.

    Raises:
        ConfigurationError: an override is unknown or wrong.
    """
    return by_name("production", **overrides)


def serverless(**overrides: Unpack[Overrides]) -> ObservabilityConfig:
    """Return settings for functions that are frozen between calls: metrics leave at the end of each unit of work, SIGTERM flushes.

    Raises:
        ConfigurationError: an override is unknown or wrong.
    """
    return by_name("serverless", **overrides)


def by_name(name: str | None, /, **overrides: Unpack[Overrides]) -> ObservabilityConfig:
    """Return the settings of a preset.

    Args:
        name: one of ``development``, ``testing``, ``production``, ``serverless``. None leaves the choice to ``LANGSWARM_OTEL_PRESET``
            when the configuration is resolved, and is ``production`` without it.
        **overrides: settings that win over the preset and over the environment.

    Raises:
        ConfigurationError: the preset or an override is unknown, or a value is wrong.
    """
    given: dict[str, Any] = dict(overrides)
    for keyword in given:
        if keyword not in FIELD_NAMES or keyword == "preset":
            # The value may be a secret under a misspelt name: it is not repeated.
            raise ConfigurationError(keyword, MASK, f"there is no such setting{near(keyword, FIELD_NAMES)}")
    # None where a setting has no value of its own means "not given", so that an optional value can be passed on as it is.
    unset = preset_defaults("production")
    chosen = frozenset(keyword for keyword, value in given.items() if value is not None or unset[keyword] is not None)
    if name is None:
        return ObservabilityConfig(**given, explicit=chosen)
    if name not in PRESET_NAMES:
        raise ConfigurationError("preset", name, f"write one of {', '.join(map(repr, PRESET_NAMES))}{near(name, PRESET_NAMES)}")
    return ObservabilityConfig(**{**preset_defaults(name), **given}, explicit=chosen | {"preset"})
