"""One measurement: a fresh process that does one work with one subject and writes down what it saw.

    python -c 'from benchmarks.child import main; main()' WORK SUBJECT ENDPOINT RESULT_FILE [NAME=VALUE ...]

It imports next to nothing before the work begins, so that the import of the subject can be a work.
"""

from __future__ import annotations

import importlib
import os
import sys
import time

NOT_OFFERED = "not offered"


def main() -> None:
    """Do the work and write its figures as JSON, with the time at which the program's own part was over."""
    work, subject, endpoint, result_file, *settings = sys.argv[1:]
    pairs = (setting.partition("=") for setting in settings)
    numbers = {name: int(value) if value.isdigit() else value for name, _, value in pairs}
    try:
        figures = importlib.import_module(f"benchmarks.works.{work}").run(f"benchmarks.adapters.{subject}", endpoint, **numbers)
    except AttributeError as error:
        if getattr(error, "name", None) is None or not str(error).startswith(f"module 'benchmarks.adapters.{subject}'"):
            raise
        figures = {NOT_OFFERED: error.name}
    json = importlib.import_module("json")
    with open(result_file, "w", encoding="utf-8") as file:  # noqa: PTH123 - as little as possible is imported
        json.dump({"figures": figures, "end": time.time()}, file)
    if figures.get("leave"):
        os._exit(0)
