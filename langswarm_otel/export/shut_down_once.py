"""What every official exporter lacks: it warns when it is shut down twice, and knows no other way to break its back-off."""

from __future__ import annotations

from typing import Any


class ShutDownOnce:
    """Mixed into the official classes."""

    _was_shut_down = False

    def abort(self) -> None:
        """Break the back-off of a running export; callable from any thread, does not wait."""
        self.shutdown()

    def shutdown(self, *args: Any, **options: Any) -> None:
        """Shut down, once."""
        if not self._was_shut_down:
            self._was_shut_down = True
            super().shutdown(*args, **options)  # type: ignore[misc]
