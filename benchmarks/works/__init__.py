"""One module a kind of work. ``run(adapter, endpoint, **numbers)`` does it once and returns figures.

Figures are a dict: numbers by name, and under ``expected`` what must arrive at the sink (``spans`` by name, ``lines``, ``count``).
"""
