"""What every subject is given to record: the same attributes, labels and prices."""

from __future__ import annotations

from typing import Any

PROVIDER = "openai"
MODEL = "gpt-4o"
AGENT = "bench"
INPUT_TOKENS = 120
OUTPUT_TOKENS = 30
PRICES = {"gpt-4o": (2.5, 10.0), "gpt-4o-mini": (0.15, 0.6), "o3": (2.0, 8.0)}
"""US dollars for a million tokens, in and out: the small table of a program without a library for it."""


def attributes_of(number: int) -> dict[str, Any]:
    """Return eight attributes as a program has them: some repeat, some never do, of four types."""
    return {
        "customer.id": number,
        "customer.plan": "enterprise",
        "order.id": f"order-{number}",
        "order.total": number * 0.25,
        "order.currency": "EUR",
        "order.express": number % 2 == 0,
        "warehouse.region": f"region-{number % 8}",
        "warehouse.shelf": number % 100,
    }


def many_attributes(count: int, number: int) -> dict[str, Any]:
    """Return so many attributes, half texts and half numbers."""
    return {f"key.{index}": number + index if index % 2 else f"value-{(number + index) % 16}" for index in range(count)}


def labels_of(number: int, series: int) -> dict[str, Any]:
    """Return three attributes of a measurement, from so many different sets."""
    return {"route": f"/orders/{number % series}", "method": "POST", "status": 200}


def cost_of(model: str, input_tokens: int, output_tokens: int) -> float:
    """Return US dollars, as a program that has no library for it would find them."""
    price_in, price_out = PRICES[model]
    return (input_tokens * price_in + output_tokens * price_out) / 1_000_000
