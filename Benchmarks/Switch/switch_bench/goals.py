"""What Toprack has to reach, as ratios of two figures of one run, or as a figure itself; and the wider limits of CI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .ratios import Rounds, median, ratio

#: By case and figure, a value for each round.
Results = Mapping[str, Mapping[str, Rounds]]


@dataclass(frozen=True)
class Goal:
    text: str
    figure: str
    case: str
    limit: float
    at_least: bool
    #: None: the figure itself is held against the limit.
    reference: str | None
    #: Of the reference, where it is another one.
    reference_figure: str | None = None

    def seen(self, results: Results) -> float | None:
        of_case = results.get(self.case, {}).get(self.figure, [])
        if self.reference is None:
            return median(of_case)
        return ratio(of_case, results.get(self.reference, {}).get(self.reference_figure or self.figure, []))

    def met(self, seen: float) -> bool:
        return seen >= self.limit if self.at_least else seen <= self.limit

    @property
    def limit_text(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.limit:g}"


@dataclass(frozen=True)
class Judged:
    goal: Goal
    seen: float
    met: bool


def judge(goals: Sequence[Goal], results: Results) -> list[Judged]:
    """The goals whose figures were taken."""
    seen = [(goal, goal.seen(results)) for goal in goals]
    return [Judged(goal, value, goal.met(value)) for goal, value in seen if value is not None]


def _least(text: str, figure: str, case: str, reference: str, limit: float) -> Goal:
    return Goal(text, figure, case, limit, True, reference)


def _most(text: str, figure: str, case: str, reference: str, limit: float) -> Goal:
    return Goal(text, figure, case, limit, False, reference)


_FORWARDER = "batched C forwarder"

GOALS: list[Goal] = [
    _most(f"CPU per 60-byte frame / {_FORWARDER}", "cpu60", "toprack", "batchvnet", 1.05),
    _most(f"CPU per 1514-byte frame / {_FORWARDER}", "cpu1514", "toprack", "batchvnet", 1.05),
    _least(f"60-byte frames delivered / {_FORWARDER}", "frames60", "toprack", "batchvnet", 0.95),
    _least(f"1514-byte frames delivered / {_FORWARDER}", "frames1514", "toprack", "batchvnet", 0.95),
    _least(f"TCP, 1 stream / {_FORWARDER}", "tcp1", "toprack", "batchvnet", 0.95),
    _least("TCP, 1 stream / Linux bridge", "tcp1", "toprack", "bridge", 0.85),
    _least("TCP, 1 stream / Open vSwitch", "tcp1", "toprack", "ovs", 8),
    _least("TCP, 1 stream / VDE", "tcp1", "toprack", "vde", 8),
    _most("UDP round trip, median / C forwarder, read/write", "rtt50", "toprack", "vnet", 1.1),
    _most("UDP round trip, 99 % / C forwarder, read/write", "rtt99", "toprack", "vnet", 1.2),
    _most("CPU per 60-byte frame, tag put in / untagged", "cpu60", "tags-push", "tags-plain", 1.03),
    _most("CPU per 60-byte frame, tag taken out / untagged", "cpu60", "tags-pop", "tags-plain", 1.03),
    _least("60-byte frames, tag put in / untagged", "frames60", "tags-push", "tags-plain", 0.97),
    _least("60-byte frames, tag taken out / untagged", "frames60", "tags-pop", "tags-plain", 0.97),
    _most("CPU per 1514-byte frame, tag put in / untagged", "cpu1514", "tags-push", "tags-plain", 1.03),
    _most("CPU per 1514-byte frame, tag taken out / untagged", "cpu1514", "tags-pop", "tags-plain", 1.03),
    _most("CPU per super-frame, tag put in / untagged", "cpusuper", "tags-push", "tags-plain", 1.03),
    _most("CPU per super-frame, tag taken out / untagged", "cpusuper", "tags-pop", "tags-plain", 1.03),
    _least("super-frames, tag put in / untagged", "super", "tags-push", "tags-plain", 0.97),
    _least("super-frames, tag taken out / untagged", "super", "tags-pop", "tags-plain", 0.97),
    _least("TCP, 1 stream, tag put in / untagged", "tcp1", "tags-push", "tags-plain", 0.97),
    _least("TCP, 1 stream, tag taken out / untagged", "tcp1", "tags-pop", "tags-plain", 0.97),
    _least("TCP, 1 stream, routed / plain", "tcp1", "route", "toprack", 0.9),
    _least("UDP packets of 60 bytes, routed / plain", "packets60", "route", "toprack", 0.9),
    _least("UDP packets of 1514 bytes, routed / plain", "packets1514", "route", "toprack", 0.9),
    _most("CPU per UDP packet of 60 bytes, routed / plain", "cpupackets60", "route", "toprack", 1.1),
    _most("CPU per UDP packet of 1514 bytes, routed / plain", "cpupackets1514", "route", "toprack", 1.1),
    _least("60-byte frames, 2 000 ports / 2", "frames60", "ports", "toprack", 0.9),
    _least("60-byte frames, 4 000 networks / 1", "frames60", "networks", "toprack", 0.9),
    _least("60-byte frames, 100 000 stations / 10", "spread60", "stations-100k", "stations-10", 0.9),
    Goal("CPU when idle with 2 000 ports, %", "idle", "ports", 0.1, False, None),
    Goal("memory per further port, KiB", "memory", "ports", 64, False, None),
    _least("TCP, 2 pairs, both ways, 2 workers / 1", "duplex", "workers-2", "workers-1", 1.5),
    _least("60-byte frames, 2 pairs, both ways, 2 workers / 1", "cross60", "workers-2", "workers-1", 1.5),
]

#: What the machine itself gains by sharing such a load out; beside the goals of two workers, without a limit of their own.
LIMITS_OF_THE_MACHINE: list[Goal] = [
    _least("TCP, 2 pairs, both ways, 2 C forwarders / 1", "duplex", "forward-2", "forward-1", 0),
    _least("60-byte frames, 2 pairs, both ways, 2 C forwarders / 1", "cross60", "forward-2", "forward-1", 0),
    _least("TCP, 2 pairs, both ways, 2 workers, one a pair / 1", "duplex", "workers-2-pairs", "workers-1", 0),
    _least("60-byte frames, 2 pairs, both ways, 2 workers, one a pair / 1", "cross60", "workers-2-pairs", "workers-1", 0),
    *(_most(f"CPU per {frame}, tag {way} / untagged, {_FORWARDER}", figure, f"batchtags-{part}", "batchtags-plain", float("inf"))
      for frame, figure in [("60-byte frame", "cpu60"), ("1514-byte frame", "cpu1514"), ("super-frame", "cpusuper")]
      for way, part in [("put in", "push"), ("taken out", "pop")]),
    _most("UDP round trip, median, --poll / plain", "rtt50", "poll", "toprack", float("inf")),
    _most("UDP round trip, 99 %, --poll / plain", "rtt99", "poll", "toprack", float("inf")),
]

#: Wide, because a shared machine is not to fail a change that did nothing.
SHORT_LIMITS: list[Goal] = [
    _least(f"60-byte frames delivered / {_FORWARDER}", "frames60", "toprack", "batchvnet", 0.6),
    _most(f"CPU per 60-byte frame / {_FORWARDER}", "cpu60", "toprack", "batchvnet", 1.6),
    _least(f"TCP, 1 stream / {_FORWARDER}", "tcp1", "toprack", "batchvnet", 0.6),
    _least("TCP, 1 stream / Open vSwitch", "tcp1", "toprack", "ovs", 3),
]
