"""The command line of scripts/bench, whose head has the help."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from . import native
from .cases import PEERS, Case, ForwardersOne, ForwardersTwo
from .comparison import compare
from .machine import Machine
from .measurements import MEASUREMENTS
from .rack import programs_at
from .report import Report
from .system import Lab, Refused, end_on_signals, note
from .toprack_cases import TOPRACK

CASES: dict[str, type[Case]] = {case.name: case for case in [*PEERS, *TOPRACK, ForwardersOne, ForwardersTwo]}


def options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", add_help=False, allow_abbrev=False)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--programs", type=Path, required=True)
    parser.add_argument("--cases", type=_keys(CASES), default=list(CASES))
    parser.add_argument("--only", type=_keys(MEASUREMENTS), default=[])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    return parser.parse_args(words)


def _keys(known: dict[str, object]) -> object:
    def read(text: str) -> list[str]:
        keys = text.split(",")
        for key in keys:
            if key not in known:
                raise argparse.ArgumentTypeError(f"{key} is not one of {', '.join(known)}")
        return keys
    return read


def main() -> int:
    wish = options(sys.argv[1:])
    end_on_signals()
    try:
        with Lab(programs_at(wish.programs)) as lab:
            native.build(lab)
            comparison = compare(lab, [CASES[name] for name in wish.cases], set(wish.only), wish.rounds, wish.seconds)
        report = Report(Machine.here(), comparison, wish.seconds)
    except Refused as reason:
        note(str(reason))
        return 1
    print(report.text())
    if wish.json:
        wish.json.write_text(report.json())
    if wish.markdown:
        wish.markdown.write_text(report.markdown())
    return 1 if comparison.failures else 0


if __name__ == "__main__":
    sys.exit(main())
