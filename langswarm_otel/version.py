"""The version of this distribution, read by the build."""

from typing import Final

__version__: Final = "0.1.0"
