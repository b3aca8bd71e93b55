"""A configuration while it is put together: values so far, where each came from, and the next one asked of the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langswarm_otel.errors import ConfigurationError
from langswarm_otel.settings.fields import RULES, SIGNAL_RULES
from langswarm_otel.settings.masking import shown
from langswarm_otel.settings.reading import NOTHING, MalformedError
from langswarm_otel.settings.variables import Variable, variables_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langswarm_otel.config import ObservabilityConfig

ARGUMENT = "argument"


def source_of(variable: Variable) -> str:
    """Return how a variable is called as the source of a setting."""
    return f"environment {variable.name}"


class Draft:
    """What the caller gave, and what is settled so far."""

    def __init__(self, given: ObservabilityConfig, environ: Mapping[str, str]) -> None:
        """Begin with nothing settled.

        Args:
            given: what the caller chose, on the values of its preset.
            environ: the environment.
        """
        self.given = given
        self.environ = environ
        self.values: dict[str, Any] = {}
        self.sources: dict[str, str] = {}

    @property
    def preset_source(self) -> str:
        """How the preset is called as the source of a setting."""
        return f"preset {self.given.preset}"

    def is_argument(self, field: str) -> bool:
        """Whether the caller chose this field."""
        return field in self.given.explicit

    def settle(self, field: str, value: Any, source: str) -> None:
        """Note the value of a field and where it came from."""
        self.values[field] = value
        self.sources[field] = source

    def read(self, variable: Variable) -> Any:
        """Return the value of a variable, or ``NOTHING`` if it is unset or does not concern the field.

        Raises:
            ConfigurationError: its text cannot be read or is no valid value; secrets in it are masked.
        """
        text = self.environ.get(variable.name, "").strip()
        if not text and not (variable.takes_empty and variable.name in self.environ):
            return NOTHING
        rule = RULES.get(variable.field) or SIGNAL_RULES[variable.field.rpartition(".")[2]]
        try:
            value = variable.read(text)
            return value if value is NOTHING else rule(variable.name, value)
        except MalformedError as error:
            raise ConfigurationError(variable.name, shown(variable.field, text), str(error)) from None
        except ConfigurationError as error:
            raise ConfigurationError(variable.name, shown(variable.field, text), error.mend) from None

    def found(self, field: str) -> list[tuple[Any, str]]:
        """Return the values that the environment has for a field, with their sources, in the order of their weight."""
        return [(value, source_of(variable)) for variable in variables_of(field) if (value := self.read(variable)) is not NOTHING]

    def take(self, field: str) -> None:
        """Settle a field by the usual order: argument, environment, preset."""
        if self.is_argument(field):
            self.settle(field, getattr(self.given, field), ARGUMENT)
        elif found := self.found(field):
            self.settle(field, *found[0])
        else:
            self.settle(field, getattr(self.given, field), self.preset_source)
