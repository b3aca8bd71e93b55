"""Errors that this distribution raises on purpose."""

from __future__ import annotations


class ConfigurationError(ValueError):
    """A setting is wrong; the message names the field, the value and the mend."""

    def __init__(self, field: str, value: object, mend: str) -> None:
        """Describe one wrong setting.

        Args:
            field: name of the setting, as the user wrote it (a keyword or an environment variable).
            value: what was given; secrets must be masked by the caller.
            mend: what to write instead.
        """
        super().__init__(f"{field}={value!r}: {mend}")
        self.field = field
        self.value = value
        self.mend = mend
