"""The command line of scripts/bench, whose head has the help."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

from . import floods, native, rfc2889
from .cases import PEERS, BatchVirtio, Case, ForwardersOne, ForwardersTwo, OpenVSwitch
from .comparison import compare
from .documentation import rewrite
from .goals import SHORT_LIMITS, judge
from .machine import Machine
from .measurements import MEASUREMENTS
from .plot import draw
from .rack import programs_at
from .report import Report, goal_tables
from .system import Lab, Refused, end_on_signals, note
from .toprack_cases import TOPRACK, Toprack

_EVERY: list[type[Case]] = [*PEERS, *TOPRACK, ForwardersOne, ForwardersTwo]
CASES = {case.name: case for case in _EVERY}
DOCUMENT, PLOT = "docs/benchmarks.md", "docs/benchmarks.svg"


def options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", usage="scripts/bench --help shows what it takes", add_help=False, allow_abbrev=False)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--programs", type=Path, required=True)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--short", action="store_true")
    kind.add_argument("--rfc2889", action="store_true")
    kind.add_argument("--floods", action="store_true")
    parser.add_argument("--cases", type=_keys(CASES))
    parser.add_argument("--only", type=_keys([*MEASUREMENTS, *rfc2889.TESTS]))
    parser.add_argument("--sizes", type=_keys(str(size) for size in rfc2889.SIZES))
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--docs", action="store_true")
    return parser.parse_args(words)


def _keys(known: Iterable[str]) -> Callable[[str], list[str]]:
    names = list(known)

    def read(text: str) -> list[str]:
        keys = text.split(",")
        for key in keys:
            if key not in names:
                raise argparse.ArgumentTypeError(f"{key} is not one of {', '.join(names)}")
        return keys
    return read


def side_by_side(wish: argparse.Namespace, lab: Lab) -> int:
    seconds = wish.seconds or 3
    kinds = [CASES[name] for name in wish.cases or CASES]
    comparison = compare(lab, kinds, set(wish.only or []), wish.rounds or 4, seconds)
    report = Report(Machine.here(), comparison, seconds)
    print(report.text())
    _write(wish, report.markdown(), report.json())
    if wish.svg:
        wish.svg.write_text(draw(*report.plot()))
    if wish.docs:
        rewrite(wish.root / DOCUMENT, "bench", f"![{report.plot_title}]({Path(PLOT).name})\n\n{report.markdown()}")
        (wish.root / PLOT).write_text(draw(*report.plot()))
    return 1 if comparison.failures else 0


class OpenVSwitchTCP(OpenVSwitch):
    measurements = ("tcp1",)


def short(wish: argparse.Namespace, lab: Lab) -> int:
    """A few ratios with limits so wide that only a fault passes them."""
    seconds, rounds = wish.seconds or 1.5, wish.rounds or 5
    everybody = compare(lab, [BatchVirtio, OpenVSwitchTCP, Toprack], {"tcp1", "frames60"}, rounds, seconds)
    report = Report(Machine.here(), everybody, seconds)
    judged = judge(SHORT_LIMITS, everybody.results)
    print("\n\n".join([report.heading, *(table.text() for table in goal_tables(judged, [], "Limits"))]))
    _write(wish, report.markdown(), report.json())
    missed = [f"{one.goal.text}: {one.seen:.3f}, the limit is {one.goal.limit_text}" for one in judged if not one.met]
    missed += everybody.failures
    for goal in SHORT_LIMITS:
        if goal not in [one.goal for one in judged]:
            note(f"{goal.text}: not judged, the machine was too busy or the measurement failed")
    for line in missed:
        note(line)
    return 1 if missed else 0


def by_the_rfcs(wish: argparse.Namespace, lab: Lab) -> int:
    seconds = wish.seconds or 2
    sizes = [int(size) for size in wish.sizes or rfc2889.SIZES]
    results = rfc2889.measure(lab, wish.only or rfc2889.TESTS, wish.cases or ["toprack", "batchvnet"], sizes, seconds)
    tables = rfc2889.tables(results)
    heading = f"{Machine.here()}; trials of {seconds:g} s"
    text = "\n\n".join([heading, *(table.text() for table in tables)])
    markdown = "\n\n".join([heading + ".", *(f"### {table.title}\n\n{table.markdown()}" for table in tables)])
    print(text)
    _write(wish, markdown + "\n", json.dumps({"machine": Machine.here().as_dict(), **asdict(results)}, indent=2) + "\n")
    if wish.docs:
        rewrite(wish.root / DOCUMENT, "rfc2889", markdown)
    return 0


def flooded(wish: argparse.Namespace, lab: Lab) -> int:
    seconds = wish.seconds or 3
    results = floods.measure(lab, wish.rounds or 3, seconds)
    heading = f"{Machine.here()}; echoes for {seconds:g} s, of each kind the round with the median of the 99 %"
    table = floods.table(results)
    print("\n\n".join([heading, table.text()]))
    markdown = f"{heading}.\n\n{table.markdown()}"
    data = {"machine": Machine.here().as_dict(), "round_trips": floods.as_dicts(results)}
    _write(wish, markdown + "\n", json.dumps(data, indent=2) + "\n")
    if wish.docs:
        rewrite(wish.root / DOCUMENT, "floods", markdown)
    return 0


def _write(wish: argparse.Namespace, markdown: str, data: str) -> None:
    if wish.json:
        wish.json.write_text(data)
    if wish.markdown:
        wish.markdown.write_text(markdown)


def main() -> int:
    wish = options(sys.argv[1:])
    end_on_signals()
    act = short if wish.short else by_the_rfcs if wish.rfc2889 else flooded if wish.floods else side_by_side
    try:
        with Lab(programs_at(wish.programs)) as lab:
            native.build(lab)
            return act(wish, lab)
    except Refused as reason:
        note(str(reason))
        return 1


if __name__ == "__main__":
    sys.exit(main())
