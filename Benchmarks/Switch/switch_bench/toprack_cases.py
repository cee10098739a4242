"""Toprack as a case of the comparison: plain, and in each of the forms that are to cost next to nothing more."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from .cases import Case
from .rack import Rack
from .system import Lab, Refused, run
from .traffic import Endpoint, Stream, behind, reach, send


class Toprack(Case):
    name = "toprack"
    title = "Toprack"
    measurements: tuple[str, ...] = (
        "tcp1", "tcp4", "frames60", "frames1514", "rtt", "packets60", "packets1514")
    options: tuple[str, ...] = ()
    rack: Rack

    def up(self, lab: Lab) -> None:
        self.rack = Rack(lab, self.name, self.options)
        self.processes = [self.rack.process]
        self.fill(lab)

    def fill(self, lab: Lab) -> None:
        self.rack.networks(100)
        self.machines = [self.rack.machine(name, f"10.9.0.{number}", 100) for number, name in enumerate(("a", "b"), 1)]

    def packets(self, length: int) -> Stream:
        """IP packets to the receiver's own address."""
        assert self.sender.address and self.receiver.address
        return Stream(self.sender, self.receiver.mac, length, packet=(self.sender.address, self.receiver.address))


class Tags(Toprack):
    """A port with one network, untagged, and a port with two, tagged: a tag goes in on the way there and comes out on the way back.

    Held against two ports of the same switch that are both untagged: two processes differ by more than a tag costs.
    """

    name = "tags"
    title = "Toprack, tags"
    parts = {"tags-plain": "Toprack, untagged", "tags-push": "Toprack, tag put in", "tags-pop": "Toprack, tag taken out"}
    measurements = ("tags60", "tags1514", "tagssuper", "tagstcp")

    def fill(self, lab: Lab) -> None:
        self.rack.networks(100, 200)
        networks = [(100,), (100,), (100, 200)]
        self.machines = [
            self.rack.machine(name, f"10.9.0.{number}", *networks)
            for number, (name, networks) in enumerate(zip("abc", networks), 1)]

    @property
    def pairs(self) -> list[tuple[Endpoint, Endpoint]]:
        return list(self.ways().values())

    def ways(self) -> dict[str, tuple[Endpoint, Endpoint]]:
        a, b, c = self.machines
        return dict(zip(self.parts, [(a, b), (a, c), (c, a)]))


class Route(Toprack):
    name = "route"
    title = "Toprack, routed by the gateway"
    measurements = ("tcp1", "packets60", "packets1514")

    def fill(self, lab: Lab) -> None:
        self.machines = [self.rack.routed_machine(name) for name in ("a", "b")]

    def prepare(self, lab: Lab) -> None:
        reach(self.sender, self.receiver)

    def packets(self, length: int) -> Stream:
        neighbours = json.loads(self.sender.namespace.ip("-json", "neighbour", "show", "dev", "eth0"))
        gateways = [entry["lladdr"] for entry in neighbours if "lladdr" in entry]
        if not gateways:
            raise Refused("the sender knows no gateway")
        assert self.sender.address and self.receiver.address
        return Stream(self.sender, gateways[0], length, packet=(self.sender.address, self.receiver.address))


class Poll(Toprack):
    name = "poll"
    title = "Toprack, --poll"
    measurements = ("rtt",)
    options = ("--poll",)
    restless = True


class WorkersOne(Toprack):
    name = "workers-1"
    title = "Toprack, 1 worker"
    measurements = ("duplex", "cross60")
    options = ("--workers", "1")

    def fill(self, lab: Lab) -> None:
        self.rack.networks(100)
        self.machines = [self.rack.machine(name, f"10.9.0.{number}", 100) for number, name in enumerate("abcd", 1)]


class WorkersTwo(WorkersOne):
    name = "workers-2"
    title = "Toprack, 2 workers"
    options = ("--workers", "2")


class WorkersTwoPairs(WorkersTwo):
    """Both machines of a pair have the same worker, as with the C forwarders; NICs are dealt out to the workers in turn."""

    name = "workers-2-pairs"
    title = "Toprack, 2 workers, one a pair"

    def fill(self, lab: Lab) -> None:
        super().fill(lab)
        a, b, c, d = self.machines
        self.machines = [a, c, b, d]


class Ports(Toprack):
    """Two thousand ports: two NICs each of a thousand servers, all up. All but two carry a network of their own."""

    name = "ports"
    title = "Toprack, 2 000 ports"
    measurements = ("frames60", "idle", "memory")
    servers = 1000
    bytes_per_port: float

    def fill(self, lab: Lab) -> None:
        super().fill(lab)
        self.rack.networks(200)
        before = self.rack.process.resident_bytes()
        _together(self._add, range(self.servers - 2))
        links = [f"link set s{number}-eth{nic} up" for number in range(self.servers - 2) for nic in (0, 1)]
        run(["ip", "-n", self.rack.host.name, "-batch", "-"], text="\n".join(links), seconds=120)
        self.bytes_per_port = (self.rack.process.resident_bytes() - before) / (2 * (self.servers - 2))

    def _add(self, number: int) -> None:
        device = self.rack.api("POST", f"/projects/{self.rack.project}/devices", {
            "hostname": f"s{number}", "plan": "c3.small.x86", "facility": "ewr1", "operating_system": "debian_12"})
        self.rack.api("PUT", f"/toprack/devices/s{number}/mode", {"mode": "layer2-individual"})
        for port in device["network_ports"]:
            if port["name"] != "bond0":
                self.rack.api("POST", f"/ports/{port['id']}/assign", {"vnid": "200"})


class Networks(Toprack):
    """Four thousand networks, each on two ports. The machines' own is one of them."""

    name = "networks"
    title = "Toprack, 4 000 networks"
    measurements = ("frames60",)
    #: The most of one facility, and how many go on one port.
    facility_limit, batch = 3998, 500

    def fill(self, lab: Lab) -> None:
        super().fill(lab)
        project = self.rack.project
        others = [number for number in range(2, 2 + self.facility_limit) if number != 100]
        places = [("ewr1", number) for number in others] + [("sjc1", number) for number in (2, 3)]
        _together(lambda place: self.rack.api(
            "POST", f"/projects/{project}/virtual-networks", {"facility": place[0], "vxlan": place[1]}), places)
        for number, numbers in enumerate(_batches(others, self.batch)):
            for port in self._new_ports(f"n{number}"):
                self.rack.api("POST", f"/ports/{port}/vlan-assignments/batches", {
                    "vlan_assignments": [{"vlan": str(one)} for one in numbers]})

    def _new_ports(self, name: str) -> list[str]:
        device = self.rack.api("POST", f"/projects/{self.rack.project}/devices", {
            "hostname": name, "plan": "c3.small.x86", "facility": "ewr1", "operating_system": "debian_12"})
        self.rack.api("PUT", f"/toprack/devices/{name}/mode", {"mode": "layer2-individual"})
        return [port["id"] for port in device["network_ports"] if port["name"] != "bond0"]


class FewStations(Toprack):
    """Frames of many stations to many stations: half of them are behind the sender, half behind the receiver."""

    name = "stations-10"
    title = "Toprack, 10 stations"
    measurements = ("spread60",)
    stations = 10

    def spread(self) -> Stream:
        half = self.stations // 2
        return Stream(self._behind_sender, self._behind_receiver.mac, sources=half, destinations=half)

    def prepare(self, lab: Lab) -> None:
        super().prepare(lab)
        # As often as it takes: one that is lost on the way would be flooded to for the whole measurement.
        for _ in range(10):
            send(lab, self._announcement(self._behind_sender, self.receiver), count=self.stations // 2)
            send(lab, self._announcement(self._behind_receiver, self.sender), count=self.stations // 2)
            if self.rack.stations() >= self.stations:
                return
        raise Refused(f"the switch knows {self.rack.stations()} of {self.stations} stations")

    @property
    def _behind_sender(self) -> Endpoint:
        return behind(self.sender, "02:10:00:00:00:00")

    @property
    def _behind_receiver(self) -> Endpoint:
        return behind(self.receiver, "02:20:00:00:00:00")

    def _announcement(self, station: Endpoint, to: Endpoint) -> Stream:
        return Stream(station, to.mac, sources=self.stations // 2, rate=200_000)


class ManyStations(FewStations):
    name = "stations-100k"
    title = "Toprack, 100 000 stations"
    stations = 100_000


def _together(action: Callable[[Any], object], values: Iterable[Any]) -> None:
    """Calls the action for each value, several at once, and raises what the first that failed raised."""
    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(action, values):
            pass


def _batches(values: list[int], size: int) -> Iterator[list[int]]:
    rest = iter(values)
    while batch := list(islice(rest, size)):
        yield batch


TOPRACK: list[type[Case]] = [
    Toprack, Tags, Route, Poll, Ports, Networks, FewStations, ManyStations, WorkersOne, WorkersTwo,
    WorkersTwoPairs]
