"""The run: all cases are up side by side, and each measurement goes through all of them in turn.

So the two figures of a ratio are taken within seconds of each other, and what the machine does beside it hits both. Each round
begins with another case. A case that is up and not measured costs nothing: nobody sends, and what would not stand still is
halted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .cases import Case
from .measurements import DISTURBED, FIGURES, MEASUREMENTS, Values
from .system import Lab, Refused, Skip, note


@dataclass
class Comparison:
    titles: dict[str, str] = field(default_factory=dict)
    #: By case and figure, a value for each round; None where it could not be taken.
    results: dict[str, dict[str, list[float | None]]] = field(default_factory=dict)
    #: What was left out, with the reason.
    skipped: dict[str, str] = field(default_factory=dict)
    #: What went wrong.
    failures: list[str] = field(default_factory=list)
    #: Of each measurement that can say so: the part of its cores that other work took.
    disturbances: list[float] = field(default_factory=list)
    rounds: int = 0


def compare(lab: Lab, kinds: Sequence[type[Case]], only: set[str], rounds: int, seconds: float) -> Comparison:
    """`only`: keys of measurements; all of them if it is empty."""
    outcome = Comparison(rounds=rounds)
    wanted = [kind for kind in kinds if _plan(kind, only)]
    cases = [case for kind in wanted if (case := _up(lab, kind, outcome))]
    for case in cases:
        outcome.titles |= case.parts or {case.name: case.title}
        outcome.results |= {name: {} for name in case.parts or [case.name]}
    for number in range(rounds):
        note(f"round {number + 1} of {rounds}")
        for key in MEASUREMENTS:
            taking = [case for case in cases if key in _plan(type(case), only)]
            start = number % len(taking) if taking else 0
            for case in taking[start:] + taking[:start]:
                _measure(lab, case, key, number, seconds, outcome)
    return outcome


def _plan(kind: type[Case], only: set[str]) -> list[str]:
    return [key for key in kind.measurements if not only or key in only]


def _up(lab: Lab, kind: type[Case], outcome: Comparison) -> Case | None:
    case = kind()
    try:
        case.up(lab)
        case.prepare(lab)
        case.rest()
        return case
    except Skip as reason:
        outcome.skipped[kind.name] = str(reason)
        note(f"{kind.name} is left out: {reason}")
    except Refused as reason:
        _fail(outcome, kind.name, reason)
    return None


def _measure(lab: Lab, case: Case, key: str, number: int, seconds: float, outcome: Comparison) -> None:
    place = f"{case.name} {key}"
    if place in outcome.skipped:
        return
    case.wake()
    try:
        case.prepare(lab)
        values = MEASUREMENTS[key](lab, case, seconds)
    except Skip as reason:
        outcome.skipped[place] = str(reason)
        note(f"{place} is left out: {reason}")
        return
    except Refused as reason:
        _fail(outcome, place, reason)
        return
    finally:
        case.rest()
    if (disturbance := values.pop(DISTURBED, None)) is not None:
        outcome.disturbances.append(disturbance)
    for name in case.parts or [case.name]:
        prefix = f"{name} " if case.parts else ""
        own = {key.removeprefix(prefix): value for key, value in values.items() if key.startswith(prefix)}
        _keep(name, own, number, outcome)


def _keep(name: str, values: Values, number: int, outcome: Comparison) -> None:
    note(f"  {name:>15}  " + ", ".join(
        f"{FIGURES[key].title} {value:.{FIGURES[key].decimals}f} {FIGURES[key].unit}"
        for key, value in values.items() if value is not None))
    for key, value in values.items():
        rounds = outcome.results[name].setdefault(key, [None] * outcome.rounds)
        rounds[number] = value


def _fail(outcome: Comparison, place: str, reason: Refused) -> None:
    outcome.failures.append(f"{place}: {reason}")
    note(f"{place} failed: {reason}")
