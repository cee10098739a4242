"""What a flood costs others: the round trip of another tenant while one server sends as fast as it can.

Generator and echoes share the machine with the switch, so a busy machine shows in every row; the first row is what it is without a flood.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from .rack import Rack
from .system import Lab, note
from .tables import Table
from .traffic import Endpoint, Stream, hello, reach

_PORTS = 80
_RULES = 4000
_EVERYBODY = "ff:ff:ff:ff:ff:ff"
_NOBODY = "02:00:00:00:ff:ff"


@dataclass(frozen=True)
class RoundTrips:
    """Milliseconds."""

    kind: str
    median: float
    most: float  # 99 %
    longest: float
    answered: int
    asked: int


class _Setting:
    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.rack = Rack(lab, "floods")
        self.rack.networks(100, 200, 300)
        self.left, self.right = (self.rack.machine(name, f"10.9.0.{at}", 200) for at, name in enumerate("lr", 1))
        self.members = [self.rack.machine(f"m{at}", f"10.8.0.{at}", 100) for at in range(1, _PORTS + 1)]
        self.source, self.slow = (self.rack.machine(name, f"10.7.0.{at}", 300) for at, name in enumerate("vw", 1))
        self.routed = self.rack.routed_machine("router")
        rules = "\n".join(
            f"add rule inet f c udp dport {number + 1} ip saddr 192.0.2.{number % 250} counter" for number in range(_RULES))
        self.slow.namespace.run(
            "nft", "-f", "-",
            text="add table inet f\nadd chain inet f c { type filter hook prerouting priority 0; }\n" + rules + "\n")

    def streams(self) -> dict[str, Stream | None]:
        flooder = self.members[0]
        gateway = self._gateway()
        assert self.source.address and self.slow.address and self.routed.address and flooder.address
        unrouted = (self.routed.address, "198.18.200.200")
        return {
            "no flood": None,
            f"broadcasts into {_PORTS} ports": Stream(flooder, _EVERYBODY),
            f"unknown unicast into {_PORTS} ports": Stream(flooder, _NOBODY),
            f"broadcasts of 1514 bytes into {_PORTS} ports": Stream(flooder, _EVERYBODY, 1514),
            f"a receiver of {_RULES} firewall rules": Stream(
                self.source, self.slow.mac, packet=(self.source.address, self.slow.address)),
            "packets that ICMP errors answer": Stream(self.routed, gateway, packet=unrouted),
            "a scan for addresses, each of an own source": Stream(flooder, _EVERYBODY, sources=60_000),
        }

    def _gateway(self) -> str:
        """Its MAC address."""
        place = self.routed.namespace.ip("route", "show", "default").split()
        self.routed.namespace.run("ping", "-n", "-c", "1", "-W", "2", place[place.index("via") + 1])
        found = re.search(r"lladdr (\S+)", self.routed.namespace.ip("neighbour", "show", "dev", "eth0"))
        assert found
        return found[1]


@contextmanager
def _flooded(lab: Lab, stream: Stream | None) -> Iterator[None]:
    if not stream:
        yield
        return
    generator = stream.start(lab, seconds=120)
    try:
        yield
    finally:
        lab.end_process(generator)


def _round_trips(kind: str, sender: Endpoint, receiver: Endpoint, seconds: float) -> RoundTrips:
    assert receiver.address
    asked = max(200, int(seconds * 300))
    text = sender.namespace.run(
        "ping", "-n", "-i", "0.003", "-c", str(asked), "-W", "2", receiver.address, seconds=seconds + 60, may_fail=True)
    times = sorted(float(found) for found in re.findall(r"time=([\d.]+)", text)) or [float("nan")]
    return RoundTrips(kind, times[len(times) // 2], times[min(len(times) - 1, len(times) * 99 // 100)], times[-1],
                      len(times), asked)


def measure(lab: Lab, rounds: int, seconds: float) -> list[RoundTrips]:
    """Of each kind, the round with the median p99."""
    setting = _Setting(lab)
    reach(setting.left, setting.right)
    for machine in (setting.slow, setting.members[-1]):
        hello(lab, machine)
    found: dict[str, list[RoundTrips]] = {}
    for number in range(rounds):
        for kind, stream in setting.streams().items():
            with _flooded(lab, stream):
                seen = _round_trips(kind, setting.left, setting.right, seconds)
            note(f"round {number + 1}, {kind}: p50 {seen.median:.2f} ms, p99 {seen.most:.2f} ms")
            found.setdefault(kind, []).append(seen)
    choose: Callable[[list[RoundTrips]], RoundTrips] = lambda seen: sorted(seen, key=lambda one: one.most)[len(seen) // 2]
    return [choose(seen) for seen in found.values()]


def table(results: list[RoundTrips]) -> Table:
    headings = [("while one server sends", ""), ("median", "ms"), ("99 %", "ms"), ("longest", "ms"), ("lost", "")]
    rows = [
        [one.kind, f"{one.median:.2f}", f"{one.most:.2f}", f"{one.longest:.2f}", str(one.asked - one.answered)]
        for one in results]
    return Table("Round trips of another tenant", headings, rows)


def as_dicts(results: list[RoundTrips]) -> list[dict[str, object]]:
    return [asdict(one) for one in results]
