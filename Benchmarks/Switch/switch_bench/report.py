"""The outcome of a comparison, for a person, for a program and for the documentation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from .comparison import Comparison
from .goals import GOALS, LIMITS_OF_THE_MACHINE, Judged, judge
from .machine import Machine
from .measurements import FIGURES, TAKEN, TOO_MUCH
from .plot import Panel
from .ratios import median
from .tables import Table


@dataclass(frozen=True)
class Section:
    title: str
    cases: tuple[str, ...]
    figures: tuple[str, ...]
    #: Shown only when one of these was measured; empty: when any was.
    about: tuple[str, ...] = ()


SECTIONS = [
    Section(
        "Side by side", ("bridge", "rw", "vnet", "batch", "batchvnet", "vde", "ovs", "toprack"),
        ("tcp1", "tcp4", "frames60", "cpu60", "frames1514", "cpu1514", "rtt50", "rtt99")),
    Section(
        "Tags put in and taken out",
        ("batchtags-plain", "batchtags-push", "batchtags-pop", "tags-plain", "tags-push", "tags-pop"),
        ("tcp1", "frames60", "cpu60", "frames1514", "cpu1514", "super", "cpusuper")),
    Section(
        "Routed by the gateway", ("toprack", "route"),
        ("tcp1", "packets60", "cpupackets60", "packets1514", "cpupackets1514"), about=("route",)),
    Section(
        "Growth", ("toprack", "ports", "networks"), ("frames60", "cpu60", "idle", "memory"), about=("ports", "networks")),
    Section("Stations", ("stations-10", "stations-100k"), ("spread60", "cpuspread60")),
    Section(
        "Two cores", ("forward-1", "forward-2", "workers-1", "workers-2", "workers-2-pairs"),
        ("duplex", "cross60", "cpucross60")),
    Section("Busy polling", ("vnet", "toprack", "poll"), ("rtt50", "rtt99"), about=("poll",)),
]

#: Names that fit beside a bar.
_PLOTTED = {
    "bridge": "Linux bridge (kernel)", "rw": "C forwarder", "vnet": "C forwarder, virtio", "batch": "C forwarder, batches",
    "batchvnet": "C forw., virtio, batches", "vde": "VDE 2", "ovs": "Open vSwitch", "toprack": "Toprack",
}


@dataclass(frozen=True)
class Report:
    machine: Machine
    comparison: Comparison
    seconds: float

    @property
    def judged(self) -> list[Judged]:
        return judge(GOALS, self.comparison.results)

    @property
    def heading(self) -> str:
        rounds = self.comparison.rounds
        return f"{self.machine}; median of {rounds} round{'s' if rounds > 1 else ''}, {self.seconds:g} s each"

    @property
    def disturbed(self) -> list[str]:
        """A sentence, when the machine was not quiet."""
        every = self.comparison.disturbances
        bad = [part for part in every if part > TAKEN]
        if not bad:
            return []
        share = f"{min(bad):.0%} to {max(bad):.0%}"
        dropped = sum(part > TOO_MUCH for part in every)
        return [
            f"Other work had {share} of a core in {len(bad)} of {len(every)} measurements of frames; the {dropped} rates with more "
            f"than {TOO_MUCH:.0%} are left out."]

    plot_title = "Toprack and what a user would take instead"

    def plot(self) -> tuple[str, str, list[str], str, list[Panel]]:
        """What plot.draw takes."""
        results = self.comparison.results
        cases = [case for case in SECTIONS[0].cases if case in results]
        panels: list[Panel] = []
        for name in SECTIONS[0].figures:
            figure = FIGURES[name]
            values = {_PLOTTED[case]: value for case in cases if (value := median(results[case].get(name, []))) is not None}
            if values:
                better = "less is better" if figure.less_is_better else "more is better"
                panels.append(Panel(figure.long_title or figure.title, f"{figure.unit}, {better}", figure.decimals, values))
        return self.plot_title, self.heading, [_PLOTTED[case] for case in cases], _PLOTTED["toprack"], panels

    def tables(self) -> list[Table]:
        shown = [table for section in SECTIONS if (table := self._table(section))]
        return shown + goal_tables(self.judged, judge(LIMITS_OF_THE_MACHINE, self.comparison.results))

    def text(self) -> str:
        parts = [self.heading, *self.disturbed, *(table.text() for table in self.tables())]
        if self.comparison.skipped:
            reasons = [f"{place}: {reason}" for place, reason in self.comparison.skipped.items()]
            parts.append("\n".join(["Left out", "", *reasons]))
        if self.comparison.failures:
            parts.append("\n".join(["Failed", "", *self.comparison.failures]))
        return "\n\n".join(parts)

    def markdown(self) -> str:
        parts = [" ".join([self.heading + ".", *self.disturbed])]
        parts += [f"### {table.title}\n\n{table.markdown()}" for table in self.tables()]
        notes = [f"Left out: {place}, because {reason}." for place, reason in self.comparison.skipped.items()]
        notes += [f"Failed: {failure.splitlines()[0]}" for failure in self.comparison.failures]
        return "\n\n".join(parts + notes) + "\n"

    def json(self) -> str:
        results = self.comparison.results
        value = {
            "machine": self.machine.as_dict(), "rounds": self.comparison.rounds, "seconds": self.seconds,
            "disturbances": self.comparison.disturbances,
            "figures": {name: {"title": figure.title, "unit": figure.unit} for name, figure in FIGURES.items()},
            "cases": {
                case: {
                    "title": self.comparison.titles[case],
                    "medians": {figure: median(rounds) for figure, rounds in figures.items()},
                    "rounds": figures,
                } for case, figures in results.items()
            },
            "goals": [
                {"text": one.goal.text, "seen": one.seen, "limit": one.goal.limit,
                 "at_least": one.goal.at_least, "met": one.met} for one in self.judged
            ],
            "beside": [{"text": one.goal.text, "seen": one.seen} for one in judge(LIMITS_OF_THE_MACHINE, results)],
            "left_out": self.comparison.skipped, "failures": self.comparison.failures,
        }
        return json.dumps(value, indent=2, ensure_ascii=False) + "\n"

    def _table(self, section: Section) -> Table | None:
        results = self.comparison.results
        cases = [case for case in section.cases if any(figure in results.get(case, {}) for figure in section.figures)]
        if not cases or (section.about and not set(cases) & set(section.about)):
            return None
        figures = [name for name in section.figures if any(name in results[case] for case in cases)]
        table = Table(section.title, [("", "")] + [(FIGURES[name].title, FIGURES[name].unit) for name in figures])
        for case in cases:
            values = [median(results[case].get(name, [])) for name in figures]
            cells = [_number(value, FIGURES[name].decimals) for name, value in zip(figures, values)]
            table.rows.append([self.comparison.titles[case], *cells])
        return table


def goal_tables(judged: Sequence[Judged], beside: Sequence[Judged], title: str = "Goals") -> list[Table]:
    tables: list[Table] = []
    if judged:
        goals = Table(title, [("median of the rounds' ratios", ""), ("seen", ""), ("limit", ""), ("met", "")])
        goals.rows = [
            [one.goal.text, f"{one.seen:.3f}", one.goal.limit_text, "yes" if one.met else "NO"] for one in judged]
        tables.append(goals)
    if beside:
        machine = Table("Beside them, without a goal", [("median of the rounds' ratios", ""), ("seen", "")])
        machine.rows = [[one.goal.text, f"{one.seen:.3f}"] for one in beside]
        tables.append(machine)
    return tables


def _number(value: float | None, decimals: int) -> str:
    return "–" if value is None else f"{value:.{decimals}f}"
