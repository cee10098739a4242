"""RFC 2544 and RFC 2889, as far as they make sense for a switch in software whose tester shares its cores.

Loss is what the receiver's interface did not get of what was offered, whoever reads it there. The latency is measured at the
throughput and at half of it, by frames that carry the time of their sending; the kernel stamps their arrival while the switch
writes them. docs/benchmarks.md says where this departs from the RFCs.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from .cases import BatchVirtio, Case
from .measurements import TAKEN
from .ratios import largest_passing
from .system import Lab, note
from .tables import Table
from .toprack_cases import Toprack
from .traffic import Delivery, Endpoint, Sent, Stream, apart, behind, deliver, hello, send, settled

#: With FCS, as the RFCs count; 9018 is a payload of 9000.
SIZES = (64, 128, 256, 512, 1024, 1280, 1518, 4096, 9018)
FCS = 4
JUMBO = 9000
TOLERATED_LOSS = 1e-4
MOST_ATTEMPTS = 4

#: The longest burst that is tried.
LONGEST_BURST = 1 << 17
#: Searches that a figure is the median of. Other work stops the switch or the tester for milliseconds, and a search that this hits
#: twice at a low rate ends far below the others.
RATE_SEARCHES, BURST_SEARCHES = 3, 5
#: Receivers of the broadcast test.
CROWDS = (1, 8, 32)
#: Stations that the learning test brings, and a rate at which none is lost.
NEWCOMERS, SAFE_RATE = 10_000, 50_000
#: More than the station table holds.
MOST_STATIONS = 200_000


@dataclass
class Results:
    #: Rows of figures by frame size and case.
    sizes: list[SizeResult] = field(default_factory=list)
    #: What is one figure each: test, figure, unit.
    others: list[tuple[str, float, str]] = field(default_factory=list)


@dataclass
class SizeResult:
    case: str
    size: int
    throughput: float | None = None    # frames a second
    latency: tuple[float, float] | None = None       # microseconds at the throughput: 50 %, 99 %
    half_latency: tuple[float, float] | None = None  # the same at half of it
    burst: float | None = None         # frames

    @property
    def gigabits(self) -> float | None:
        return None if self.throughput is None else self.throughput * self.size * 8 / 1e9


class ToprackJumbo(Toprack):
    """Plain Toprack with as many machines as the widest test takes, all in one network, with jumbo frames."""

    def fill(self, lab: Lab) -> None:
        self.rack.networks(100)
        self.machines = [
            self.rack.machine(f"m{number}", f"10.9.0.{number}", 100, mtu=JUMBO) for number in range(1, max(CROWDS) + 2)]
        self.crowd(2)

    def crowd(self, size: int) -> list[Endpoint]:
        """So many machines beside the first are up; the others hear no flood."""
        for number, machine in enumerate(self.machines[1:]):
            machine.namespace.ip("link", "set", machine.interface, "up" if number < size else "down")
        return self.machines[1:size + 1]

    @property
    def pairs(self) -> list[tuple[Endpoint, Endpoint]]:
        return [(self.sender, self.receiver)]


class ForwarderJumbo(BatchVirtio):
    def up(self, lab: Lab) -> None:
        super().up(lab)
        for machine in self.machines:
            machine.namespace.ip("link", "set", machine.interface, "mtu", str(JUMBO))


TESTS = ("throughput", "bursts", "caching", "learning", "blocking", "broadcast")


def measure(lab: Lab, tests: Sequence[str], cases: Sequence[str], sizes: Sequence[int], seconds: float) -> Results:
    """`tests`: of TESTS. `cases`: toprack, batchvnet; the second takes part in what needs no address table."""
    results = Results()
    subjects: list[Case] = [case for case in (ToprackJumbo(), ForwarderJumbo()) if case.name in cases]
    for case in subjects:
        case.up(lab)
        case.prepare(lab)
    with apart([process for case in subjects for process in case.processes]):
        _run(lab, subjects, tests, sizes, seconds, results)
    return results


def _run(
    lab: Lab, subjects: Sequence[Case], tests: Sequence[str], sizes: Sequence[int], seconds: float, results: Results
) -> None:
    for size in sizes:
        for case in subjects:
            row = SizeResult(case.title, size)
            if "throughput" in tests:
                row.throughput = throughput(lab, case, size, seconds)
                row.latency = latency(lab, case, size, row.throughput, seconds)
                row.half_latency = latency(lab, case, size, row.throughput / 2, seconds)
            if "bursts" in tests:
                row.burst = burst(lab, case, size)
            if row.throughput or row.burst:
                results.sizes.append(row)
                note(f"  {size:5} bytes  {case.title}: " + _summary(row))
    for case in subjects:
        if not isinstance(case, ToprackJumbo):
            continue
        for name, test in _WITH_A_TABLE.items():
            if name in tests:
                found = test(lab, case, seconds)
                results.others += found
                for text, figure, unit in found:
                    note(f"  {text}: {figure:.6g} {unit}")


def _within_loss(delivery: Delivery, copies: int = 1) -> bool:
    return delivery.delivered >= delivery.offered * copies * (1 - TOLERATED_LOSS)


def _twice(passes: Callable[[int], bool]) -> Callable[[int], bool]:
    """A trial that fails is repeated once: other work on the machine can stop the switch for longer than its queue lasts."""
    return lambda value: passes(value) or passes(value)


def _search_rate(lab: Lab, case: Case, stream: Stream, receivers: Sequence[Endpoint], seconds: float) -> float:
    """RFC 2544 26.1: the highest rate at which nothing is lost, to 1 % of what passes at most.

    A trial that fails is repeated once, and more often when others had the switch's or the sender's core meanwhile.
    """
    flat_out = deliver(lab, [stream], receivers, [], min(seconds, 1))
    most = round(flat_out.delivered / len(receivers) / flat_out.seconds)
    step = max(1, most // 100)

    def passes(rate: int) -> bool:
        for attempt in range(1, MOST_ATTEMPTS + 1):
            trial = deliver(lab, [replace(stream, rate=rate)], receivers, case.processes, seconds)
            if _within_loss(trial, len(receivers)):
                return True
            if attempt > 1 and trial.waited <= TAKEN:
                break
        return False

    return largest_passing(passes, step, most + most // 20, step)


def throughput(lab: Lab, case: Case, size: int, seconds: float) -> float:
    hello(lab, case.receiver)
    stream = Stream(case.sender, case.receiver.mac, size - FCS)
    return statistics.median(
        _search_rate(lab, case, stream, [case.receiver], seconds) for _ in range(RATE_SEARCHES))


def latency(lab: Lab, case: Case, size: int, rate: float, seconds: float) -> tuple[float, float]:
    """RFC 2544 26.2, of one frame in a hundred: median and 99 %."""
    stream = Stream(case.sender, case.receiver.mac, size - FCS, rate=max(rate, 1), stamp_every=100)
    heard = _heard(lab, stream, case.receiver, seconds)
    return heard["p50"], heard["p99"]


def _heard(lab: Lab, stream: Stream, receiver: Endpoint, seconds: float) -> dict[str, float]:
    """Sends the stream, and what the sink says about the stamped frames of it."""
    sink = lab.start([lab.native("frame-sink"), receiver.interface], inside=receiver.namespace)
    try:
        sink.line("ready")
        sent = send(lab, stream, seconds=seconds)
        settled([receiver])
        answer = json.loads(sink.stop().splitlines()[-1])
        return {**answer, "stamped": -(-sent.offered // stream.stamp_every)}
    finally:
        lab.end_process(sink)


def burst(lab: Lab, case: Case, size: int) -> float:
    """RFC 2544 26.4: the longest burst, as fast as the tester sends, of which nothing is lost."""
    stream = Stream(case.sender, case.receiver.mac, size - FCS, lossy=True)
    hello(lab, case.receiver)

    def passes(count: int) -> bool:
        before = settled([case.receiver])
        send(lab, stream, count=count)
        return settled([case.receiver])[0] - before[0] >= count

    return statistics.median(largest_passing(passes, 16, LONGEST_BURST, 16) for _ in range(BURST_SEARCHES))


@dataclass(frozen=True)
class _AddressTest:
    """The three ports of RFC 2889 5.7 and 5.8: stations are heard on the learning port, frames to them come from the test port,
    and what the switch has not learned is flooded to the monitoring port."""

    lab: Lab
    case: ToprackJumbo

    def forgotten(self, stations: int, rate: float) -> tuple[int, Sent]:
        test, learning, monitor = self.case.machines[:3]
        self.case.rack.flush()
        hello(self.lab, test)
        newcomers = behind(learning, "02:20:00:00:00:00")
        sent = send(self.lab, Stream(newcomers, test.mac, sources=stations, rate=rate), count=stations)
        before = settled([monitor])
        send(self.lab, Stream(test, newcomers.mac, destinations=stations, rate=SAFE_RATE), count=stations)
        return settled([monitor])[0] - before[0], sent


def caching(lab: Lab, case: ToprackJumbo, seconds: float) -> list[tuple[str, float, str]]:
    """RFC 2889 5.7."""
    trial = _AddressTest(lab, case)
    found = largest_passing(_twice(lambda count: trial.forgotten(count, SAFE_RATE)[0] == 0), 16, MOST_STATIONS, 16)
    return [("Address caching capacity, one port", found, "stations")]


def learning(lab: Lab, case: ToprackJumbo, seconds: float) -> list[tuple[str, float, str]]:
    """RFC 2889 5.8."""
    trial = _AddressTest(lab, case)
    rates: dict[int, float] = {}

    def passes(rate: int) -> bool:
        forgotten, sent = trial.forgotten(NEWCOMERS, rate)
        # The tester may be slower than it was asked to be.
        rates[rate] = min(rate, sent.offered / sent.seconds)
        return forgotten == 0

    found = largest_passing(_twice(passes), SAFE_RATE // 10, 2_000_000, SAFE_RATE // 10)
    return [(f"Address learning rate, {NEWCOMERS} stations", rates.get(found, 0), "stations/s")]


def blocking(lab: Lab, case: ToprackJumbo, seconds: float) -> list[tuple[str, float, str]]:
    """RFC 2889 5.5: frames go in turn to a port that takes them and to one that does not."""
    sender, open_port, closed_port = case.machines[:3]
    # Two neighbouring addresses, so that one stream can go to both in turn; every second frame is stamped, those to the open port.
    first, second = behind(open_port, "02:30:00:00:00:00"), behind(closed_port, "02:30:00:00:00:01")
    stream = Stream(sender, first.mac, destinations=2, stamp_every=2, rate=SAFE_RATE)
    rows: list[tuple[str, float, str]] = []
    for state, text in (("up", "both receivers take"), ("down", "the other receiver is down")):
        for station in (first, second):
            hello(lab, station)
        closed_port.namespace.ip("link", "set", closed_port.interface, state)
        heard = _heard(lab, stream, open_port, seconds)
        lost = 1 - (heard["received"] + heard["missed"]) / heard["stamped"]
        rows += [(f"Head of line, {text}: loss", lost * 100, "%"), (f"Head of line, {text}: latency 99 %", heard["p99"], "µs")]
    closed_port.namespace.ip("link", "set", closed_port.interface, "up")
    return rows


def broadcast(lab: Lab, case: ToprackJumbo, seconds: float) -> list[tuple[str, float, str]]:
    """RFC 2889 5.10: every receiver gets every frame."""
    rows: list[tuple[str, float, str]] = []
    for size in CROWDS:
        crowd, stream = case.crowd(size), Stream(case.sender, "ff:ff:ff:ff:ff:ff")
        rate = statistics.median(_search_rate(lab, case, stream, crowd, seconds) for _ in range(RATE_SEARCHES))
        ports = "1 port" if size == 1 else f"{size} ports"
        rows += [(f"Broadcast to {ports}, 64 bytes", rate, "frames/s"), ("the same, copies", rate * size, "frames/s")]
    return rows


#: Tests of a switch that learns; the forwarder does not.
_WITH_A_TABLE: dict[str, Callable[[Lab, ToprackJumbo, float], list[tuple[str, float, str]]]] = {
    "caching": caching, "learning": learning, "blocking": blocking, "broadcast": broadcast}


def tables(results: Results) -> list[Table]:
    made: list[Table] = []
    if results.sizes:
        table = Table("By frame size (FCS included), loss at most 0.01 %", [
            ("", ""), ("size", "bytes"), ("throughput", "k/s"), ("", "Gbit/s"), ("latency 50 %", "µs"), ("99 %", "µs"),
            ("at half rate 50 %", "µs"), ("99 %", "µs"), ("longest burst", "frames")])
        for row in results.sizes:
            times = [f"{time:.0f}" if time else "–" for time in (row.latency or (0, 0)) + (row.half_latency or (0, 0))]
            table.rows.append([
                row.case, str(row.size), _text(row.throughput, 1e3, 1), _text(row.gigabits, 1, 2), *times, _text(row.burst, 1, 0)])
        made.append(table)
    if results.others:
        table = Table("The other tests", [("", ""), ("seen", ""), ("unit", "")])
        for text, figure, unit in results.others:
            table.rows.append([text, f"{figure:.0f}" if figure >= 1000 else f"{figure:.3g}", unit])
        made.append(table)
    return made


def _text(value: float | None, divisor: float, decimals: int) -> str:
    return "–" if value is None else f"{value / divisor:.{decimals}f}"


def _summary(row: SizeResult) -> str:
    parts: list[str] = []
    if row.throughput is not None and row.latency:
        parts.append(f"{row.throughput / 1e3:.0f} k/s, latency {row.latency[0]:.0f} and {row.latency[1]:.0f} µs")
    if row.burst is not None:
        parts.append(f"bursts of {row.burst:.0f}")
    return ", ".join(parts)
