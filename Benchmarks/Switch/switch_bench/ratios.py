"""The arithmetic of a comparison. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

Rounds = Sequence[float | None]


def median(values: Rounds) -> float | None:
    """The median of the rounds that have a value."""
    present = [value for value in values if value is not None]
    return statistics.median(present) if present else None


def ratio(numerator: Rounds, denominator: Rounds) -> float | None:
    """The median of the rounds' ratios.

    The machine drifts by more than what is compared, but hardly within a round: so each round is divided by itself first.
    """
    return median([a / b for a, b in zip(numerator, denominator) if a is not None and b])


def largest_passing(passes: Callable[[int], bool], low: int, high: int, step: int = 1) -> int:
    """Binary search: the largest value of low … high that passes, within `step`; low - 1 when not even low does.

    Every value below one that passes is taken to pass.
    """
    if passes(high):
        return high
    if not passes(low):
        return low - 1
    while high - low > step:
        middle = (low + high) // 2
        if passes(middle):
            low = middle
        else:
            high = middle
    return low
