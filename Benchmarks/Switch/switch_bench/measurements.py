"""What is measured of a case, and the figures that come of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from .cases import Case
from .ratios import median
from .system import CORES, Lab, Skip
from .traffic import Delivery, Endpoint, Stream, apart, deliver, ping_pong, tcp

#: The figures of one measurement, "part figure" where the case has parts; None: the case has no such figure.
Values = dict[str, float | None]


@dataclass(frozen=True)
class Figure:
    title: str
    unit: str
    decimals: int = 1
    less_is_better: bool = False
    #: Where the title is all that a reader sees.
    long_title: str | None = None


FIGURES: dict[str, Figure] = {
    "tcp1": Figure("TCP, 1 stream", "Gbit/s"),
    "tcp4": Figure("TCP, 4 streams", "Gbit/s"),
    "frames60": Figure("60 bytes", "k/s", 0, long_title="60-byte frames delivered"),
    "cpu60": Figure("CPU per 60", "µs", 2, True, "CPU per 60-byte frame"),
    "frames1514": Figure("1514 bytes", "k/s", 0, long_title="1514-byte frames delivered"),
    "cpu1514": Figure("CPU per 1514", "µs", 2, True, "CPU per 1514-byte frame"),
    "rtt50": Figure("RTT 50 %", "µs", 1, True, "UDP round trip, median"),
    "rtt99": Figure("RTT 99 %", "µs", 1, True, "UDP round trip, 99 %"),
    "super": Figure("64 KiB super-frames", "k/s", 1),
    "cpusuper": Figure("CPU per super-frame", "µs", 2, True),
    "packets60": Figure("UDP of 60 bytes", "k/s", 0),
    "cpupackets60": Figure("CPU per UDP 60", "µs", 2, True),
    "packets1514": Figure("UDP of 1514", "k/s", 0),
    "cpupackets1514": Figure("CPU per UDP 1514", "µs", 2, True),
    "spread60": Figure("60 bytes", "k/s", 0),
    "cpuspread60": Figure("CPU per 60", "µs", 2, True),
    "idle": Figure("CPU when idle", "%", 3, True),
    "memory": Figure("memory per port", "KiB", 1, True),
    "duplex": Figure("TCP, 2 pairs, both ways", "Gbit/s"),
    "cross60": Figure("60 bytes, 2 pairs, both ways", "k/s", 0),
    "cpucross60": Figure("CPU per 60", "µs", 2, True),
}


_NO_TAGGED_TCP = "a machine that speaks TCP in tagged frames needs the kernel's module 8021q"


def _frames(length: int) -> Callable[[Lab, Any, float], Values]:
    def measure(lab: Lab, case: Case, seconds: float) -> Values:
        stream = Stream(case.sender, case.receiver.mac, length)
        return _named(f"frames{length}", f"cpu{length}", _one_way(lab, case, stream, seconds))
    return measure


def _packets(length: int) -> Callable[[Lab, Any, float], Values]:
    def measure(lab: Lab, case: Any, seconds: float) -> Values:
        with _discarding(case.receiver):
            return _named(f"packets{length}", f"cpupackets{length}", _one_way(lab, case, case.packets(length), seconds))
    return measure


@contextmanager
def _discarding(receiver: Endpoint) -> Iterator[None]:
    """The receiver throws the generator's packets away as soon as it looks for their route.

    Its kernel's work on a frame is done within the switch's write. To refuse each packet by ICMP would cost more than the
    switch does.
    """
    ip = receiver.namespace.ip
    ip("rule", "add", "priority", "2", "lookup", "local")
    ip("rule", "delete", "priority", "0")
    ip("rule", "add", "priority", "1", "iif", receiver.interface, "ipproto", "udp", "dport", "9", "blackhole")
    try:
        yield
    finally:
        ip("rule", "delete", "priority", "1")
        ip("rule", "add", "priority", "0", "lookup", "local")
        ip("rule", "delete", "priority", "2")


def _super_frame(sender: Endpoint, receiver: Endpoint) -> Stream:
    # To an address that nobody has, so that no kernel answers; 44 segments of 1448 bytes.
    return Stream(sender, receiver.mac, 54 + 44 * 1448, packet=("10.9.0.1", "10.9.255.1"), segment=1448)


def _frame(length: int) -> Callable[[Endpoint, Endpoint], Stream]:
    return lambda sender, receiver: Stream(sender, receiver.mac, length)


def _ways(name: str, frame: Callable[[Endpoint, Endpoint], Stream]) -> Callable[[Lab, Any, float], Values]:
    """Each way of the case in turn, for a third of a second at a time, `seconds` in all for each.

    The ways differ by a few per cent, and the machine drifts by more within seconds.
    """
    def measure(lab: Lab, case: Any, seconds: float) -> Values:
        slices: dict[str, list[Delivery]] = {part: [] for part in case.ways()}
        passes = max(2, round(3 * seconds))
        with apart(case.processes):
            for _ in range(passes):
                for part, (sender, receiver) in case.ways().items():
                    stream = frame(sender, receiver)
                    slices[part].append(deliver(lab, [stream], [receiver], case.processes, seconds / passes))
        # A slice that others disturbed is left out, unless all were.
        quiet = {part: [one for one in some if one.waited <= TAKEN] or some for part, some in slices.items()}
        worst = max(one.waited for some in quiet.values() for one in some)
        values: Values = {DISTURBED: worst}
        for part, some in quiet.items():
            rate = median([one.thousands_per_second for one in some])
            values[f"{part} {name}"] = rate if worst <= TOO_MUCH else None
            values[f"{part} cpu{name.removeprefix('frames')}"] = median([one.cpu_microseconds for one in some])
        return values
    return measure


def _ways_by_tcp(lab: Lab, case: Any, seconds: float) -> Values:
    if not all(machine.address for machine in case.machines):
        raise Skip(_NO_TAGGED_TCP)
    return {f"{part} tcp1": tcp(lab, [way], seconds) for part, way in case.ways().items()}


def _spread(lab: Lab, case: Any, seconds: float) -> Values:
    return _named("spread60", "cpuspread60", _one_way(lab, case, case.spread(), seconds))


def _cross(lab: Lab, case: Case, seconds: float) -> Values:
    streams = [Stream(*way) for a, b in case.pairs for way in ((a, b.mac), (b, a.mac))]
    # Here all share the cores, so everybody waits for everybody.
    delivery = deliver(lab, streams, case.machines, case.processes, seconds)
    return _named("cross60", "cpucross60", replace(delivery, waited=0))


def _tcp(streams: int) -> Callable[[Lab, Any, float], Values]:
    def measure(lab: Lab, case: Case, seconds: float) -> Values:
        if not (case.sender.address and case.receiver.address):
            raise Skip(_NO_TAGGED_TCP)
        return {f"tcp{streams}": tcp(lab, case.pairs[:1], seconds, streams=streams)}
    return measure


def _duplex(lab: Lab, case: Case, seconds: float) -> Values:
    return {"duplex": tcp(lab, case.pairs, seconds, both_ways=True)}


def _round_trip(lab: Lab, case: Case, seconds: float) -> Values:
    with apart(case.processes):
        middle, most = ping_pong(lab, case.sender, case.receiver, seconds)
    return {"rtt50": middle, "rtt99": most}


def _idle(lab: Lab, case: Case, seconds: float) -> Values:
    span = max(5.0, seconds)
    before = [process.cpu() for process in case.processes]
    time.sleep(span)
    ran = sum(process.cpu().ran_since(earlier) for process, earlier in zip(case.processes, before))
    return {"idle": ran / span / 1e9 * 100}


def _memory(lab: Lab, case: Any, seconds: float) -> Values:
    return {"memory": case.bytes_per_port / 1024}


MEASUREMENTS: dict[str, Callable[[Lab, Any, float], Values]] = {
    "tcp1": _tcp(1), "tcp4": _tcp(4), "frames60": _frames(60), "frames1514": _frames(1514), "rtt": _round_trip,
    "tags60": _ways("frames60", _frame(60)), "tags1514": _ways("frames1514", _frame(1514)),
    "tagssuper": _ways("super", _super_frame), "tagstcp": _ways_by_tcp, "packets60": _packets(60),
    "packets1514": _packets(1514), "spread60": _spread, "idle": _idle, "memory": _memory, "duplex": _duplex, "cross60": _cross,
}


#: A measurement is repeated, so often at most, when other work took more than this part of one of its cores. "disturbed" says how
#: much it was in the attempt that counts; it is about the machine, and no figure of the case. Beyond the larger part the rate says
#: nothing about the switch any more and is left out; the CPU time of a frame still does.
TAKEN, TOO_MUCH, _ATTEMPTS = 0.05, 0.25, 3
DISTURBED = "disturbed"


def _one_way(lab: Lab, case: Case, stream: Stream, seconds: float) -> Delivery:
    """The attempt that was disturbed least. The switch has one core, the generator another: who waits, waits for strangers."""
    attempts: list[Delivery] = []
    with apart(case.processes):
        while not attempts or (attempts[-1].waited > TAKEN and len(attempts) < _ATTEMPTS and not CORES.are_few):
            attempts.append(deliver(lab, [stream], [case.receiver], case.processes, seconds))
    return min(attempts, key=lambda attempt: attempt.waited)


def _named(rate: str, cpu: str, delivery: Delivery) -> Values:
    frames = delivery.thousands_per_second if delivery.waited <= TOO_MUCH else None
    return {rate: frames, cpu: delivery.cpu_microseconds, DISTURBED: delivery.waited}
