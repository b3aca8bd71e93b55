"""One module a kind of work. ``run(adapter, endpoint, **numbers)`` does it once and returns figures.

Figures are a dict: numbers by name, and under ``expected`` what must arrive at the sink (``spans`` by name, ``lines``, ``count``).
``leave`` ends the process without the exit that its library would make, where that takes long and is no part of the work.
"""
