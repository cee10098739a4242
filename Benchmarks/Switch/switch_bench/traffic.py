"""What makes load, and what it says about it: iperf3, sockperf, and our own frames."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from .system import CORES, Lab, Namespace, Process, Refused, until


@dataclass(frozen=True)
class Endpoint:
    """A machine at the switch: an interface in a namespace."""

    namespace: Namespace
    interface: str
    mac: str
    address: str | None = None  # IPv4, where its kernel can use it
    vlan: int = 0               # the tag that its own frames carry; 0: none

    def received(self) -> int:
        return self.namespace.received(self.interface)


@dataclass(frozen=True)
class Stream:
    """Frames as frame-generator sends them."""

    sender: Endpoint
    destination: str
    length: int = 60                        # without FCS and without the tag
    packet: tuple[str, str] | None = None   # UDP from and to these addresses instead of a frame of local experiments
    segment: int = 0                        # TCP super-frames with segments of this many bytes
    sources: int = 1
    destinations: int = 1
    rate: float = 0                         # a second; 0: as many as go
    stamp_every: int = 0
    lossy: bool = False

    def words(self, lab: Lab) -> list[str]:
        sender = self.sender
        words = [
            lab.native("frame-generator"), "--interface", sender.interface, "--source", sender.mac,
            "--destination", self.destination, "--length", str(self.length + (4 if sender.vlan else 0)),
            "--sources", str(self.sources), "--destinations", str(self.destinations), "--vlan", str(sender.vlan),
            "--rate", str(self.rate), "--stamp-every", str(self.stamp_every), "--segment", str(self.segment)]
        if self.packet:
            words += ["--from", self.packet[0], "--to", self.packet[1]]
        return words + (["--lossy"] if self.lossy else [])

    def start(self, lab: Lab, *, seconds: float = 0, count: int = 0) -> Process:
        """For so long, or so many."""
        words = self.words(lab) + ["--seconds", str(seconds), "--count", str(count)]
        return lab.start(words, inside=self.sender.namespace)


@dataclass(frozen=True)
class Sent:
    offered: int
    seconds: float
    waited: float  # the part of the time in which the generator had no core

    @staticmethod
    def of(generator: Process, seconds: float) -> Sent:
        answer = json.loads(generator.finish(seconds + 20))
        return Sent(answer["offered"], answer["seconds"], answer["waited"] / answer["seconds"])


def send(lab: Lab, stream: Stream, *, seconds: float = 0, count: int = 0) -> Sent:
    generator = stream.start(lab, seconds=seconds, count=count)
    try:
        return Sent.of(generator, seconds or 60)
    finally:
        lab.end_process(generator)


def settled(receivers: Sequence[Endpoint]) -> list[int]:
    """What they have received, when nothing is under way any more."""
    counts = [receiver.received() for receiver in receivers]
    while True:
        time.sleep(0.01)
        again = [receiver.received() for receiver in receivers]
        if again == counts:
            return counts
        counts = again


@dataclass(frozen=True)
class Delivery:
    """What a load did: frames offered and delivered, the time that it took, what the switch's processes ran."""

    offered: int
    delivered: int
    seconds: float
    cpu_nanoseconds: int | None
    #: The part of the time in which a generator, or all the switch's threads together, had no core.
    waited: float

    @property
    def thousands_per_second(self) -> float:
        return self.delivered / self.seconds / 1000

    @property
    def cpu_microseconds(self) -> float | None:
        if self.cpu_nanoseconds is None or self.delivered == 0:
            return None
        return self.cpu_nanoseconds / self.delivered / 1000


def deliver(
    lab: Lab, streams: Sequence[Stream], receivers: Sequence[Endpoint], switch: Sequence[Process], seconds: float
) -> Delivery:
    """Sends all the streams at once. A frame counts when the receiver's interface has it, whoever reads it there."""
    before = settled(receivers)
    began = [process.cpu() for process in switch]
    generators = [stream.start(lab, seconds=seconds) for stream in streams]
    try:
        sent = [Sent.of(generator, seconds) for generator in generators]
    finally:
        for generator in generators:
            lab.end_process(generator)
    after = settled(receivers)
    times = [(process.cpu(), earlier) for process, earlier in zip(switch, began)]
    cpu = sum(now.ran_since(earlier) for now, earlier in times) if switch else None
    seconds = max(one.seconds for one in sent)
    starved = sum(now.waited_since(earlier) for now, earlier in times) / seconds / 1e9
    return Delivery(
        sum(one.offered for one in sent), sum(after) - sum(before), seconds, cpu, max(starved, *(one.waited for one in sent)))


def tcp(
    lab: Lab, pairs: Sequence[tuple[Endpoint, Endpoint]], seconds: float, *, streams: int = 1, both_ways: bool = False
) -> float:
    """Gbit/s that arrived, of all pairs at once; with `both_ways` each pair has as many streams the other way."""
    port = 5201
    servers: list[Process] = []
    clients: list[Process] = []
    try:
        for _, receiver in pairs:
            assert receiver.address
            server = ["iperf3", "--server", "--bind", receiver.address, "--port", str(port)]
            servers.append(lab.start(server, inside=receiver.namespace))
        for process, (_, receiver) in zip(servers, pairs):
            process.listens(receiver.namespace, "tcp", port)
        for sender, receiver in pairs:
            assert receiver.address
            client = ["iperf3", "--client", receiver.address, "--port", str(port), "--json", "--parallel", str(streams),
                      "--time", str(max(1, round(seconds)))]
            clients.append(lab.start(client + (["--bidir"] if both_ways else []), inside=sender.namespace))
        return sum(iperf_gigabits(client.finish(seconds + 30)) for client in clients)
    finally:
        for process in clients + servers:
            lab.end_process(process)


def iperf_gigabits(text: str) -> float:
    """What arrived, of an answer of iperf3 --json."""
    answer = json.loads(text)
    if "error" in answer:
        raise Refused(f"iperf3: {answer['error']}")
    sums = [answer["end"][name] for name in ("sum_received", "sum_received_bidir_reverse") if name in answer["end"]]
    return float(sum(entry["bits_per_second"] for entry in sums)) / 1e9


def ping_pong(lab: Lab, sender: Endpoint, receiver: Endpoint, seconds: float) -> tuple[float, float]:
    """Microseconds of a UDP round trip: median and 99 %."""
    assert receiver.address
    place = ["-i", receiver.address, "-p", "5301"]
    server = lab.start(["sockperf", "server", *place], inside=receiver.namespace)
    try:
        server.listens(receiver.namespace, "udp", 5301)
        client = ["sockperf", "ping-pong", *place, "-t", str(max(1, round(seconds))), "--full-rtt"]
        return sockperf_percentiles(sender.namespace.run(*client, seconds=seconds + 30))
    finally:
        lab.end_process(server)


@contextmanager
def apart(switch: Sequence[Process]) -> Iterator[None]:
    """The switch has one core, and whatever is started meanwhile has the others.

    On two cores the scheduler's choice who shares one decides a round trip more than the switch does, and it stays with it for
    seconds.
    """
    for process in switch:
        process.run_on(CORES.switch)
    os.sched_setaffinity(0, CORES.load)
    try:
        yield
    finally:
        os.sched_setaffinity(0, CORES.all)
        for process in switch:
            process.run_on(CORES.all)


def sockperf_percentiles(text: str) -> tuple[float, float]:
    median, most = (re.search(rf"percentile {part}\s*=\s*([\d.]+)", text) for part in ("50.000", "99.000"))
    if not (median and most):
        raise Refused(f"sockperf has no percentiles:\n{text}")
    return float(median[1]), float(most[1])


def reach(sender: Endpoint, receiver: Endpoint, seconds: float = 20) -> None:
    """Returns when the receiver answers a ping."""
    assert receiver.address
    address = receiver.address

    def answers() -> bool:
        return "1 received" in sender.namespace.run("ping", "-n", "-c", "1", "-W", "1", address, may_fail=True)

    until(answers, f"{address} answers from {sender.namespace.name}", seconds)


def hello(lab: Lab, machine: Endpoint) -> None:
    """One broadcast frame, so that a switch knows where the machine is."""
    send(lab, Stream(machine, "ff:ff:ff:ff:ff:ff"), count=1)


def behind(machine: Endpoint, mac: str) -> Endpoint:
    """The same place with the address of another station there."""
    return replace(machine, mac=mac)
