"""``python -m langswarm_otel`` is the command ``langswarm-otel``."""

import sys

from langswarm_otel.cli import main

if __name__ == "__main__":
    sys.exit(main())
