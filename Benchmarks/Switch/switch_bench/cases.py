"""The switches that are compared. A case joins machines, each an interface in a namespace of its own, by one switch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from .system import Lab, Namespace, Process, until
from .traffic import Endpoint, hello, reach


class Case:
    """`name` is what --cases takes. `title` is for the report. `measurements` are the keys of what is measured of it."""

    name = "?"
    title = "?"
    measurements: tuple[str, ...] = ("tcp1", "tcp4", "frames60", "frames1514", "rtt")
    #: Names and titles under which the report has it, where it is measured in several ways that are compared with each other.
    parts: dict[str, str] = {}
    #: It takes CPU time even without traffic, so it stands still while others are measured.
    restless = False
    machines: list[Endpoint]
    processes: list[Process]  # what the switch's CPU time is read from; empty for the kernel

    def __init__(self) -> None:
        self.machines = []
        self.processes = []

    def up(self, lab: Lab) -> None:
        """Makes the switch and its machines. Raises Skip when it cannot be had here."""
        raise NotImplementedError

    def prepare(self, lab: Lab) -> None:
        """Before each measurement: the switch and the neighbours know each other again, however long ago they last spoke."""
        for sender, receiver in self.pairs:
            if sender.address and receiver.address:
                reach(sender, receiver)
            for machine in (sender, receiver):
                hello(lab, machine)

    def rest(self) -> None:
        """After a measurement, until the next one."""
        if self.restless:
            for process in self.processes:
                process.pause()

    def wake(self) -> None:
        if self.restless:
            for process in self.processes:
                process.resume()

    @property
    def sender(self) -> Endpoint:
        return self.machines[0]

    @property
    def receiver(self) -> Endpoint:
        return self.machines[1]

    @property
    def pairs(self) -> list[tuple[Endpoint, Endpoint]]:
        return list(zip(self.machines[::2], self.machines[1::2]))


class Peer(Case):
    """A switch of others: it makes its interfaces in a namespace of its own, and they move to the machines."""

    #: Machines that it joins, in pairs.
    count = 2
    #: The namespace that the switch is in.
    home: Namespace

    def up(self, lab: Lab) -> None:
        self.home = lab.namespace(f"{self.name}-switch")
        for number, interface in enumerate(self.interfaces(lab), 1):
            self.machines.append(self._move(lab, number, interface))

    def interfaces(self, lab: Lab) -> list[str]:
        """Makes the switch; the names, in `home`, of the machines' ends of it."""
        raise NotImplementedError

    def _move(self, lab: Lab, number: int, interface: str) -> Endpoint:
        namespace = lab.namespace(f"{self.name}-{number}")
        mac, address = f"02:00:00:00:00:{number:02x}", f"10.9.0.{number}"
        self.home.ip("link", "set", interface, "netns", namespace.name)
        namespace.ip("link", "set", interface, "name", "eth0", "address", mac, "up")
        namespace.ip("address", "add", f"{address}/24", "dev", "eth0")
        return Endpoint(namespace, "eth0", mac, address)


class Bridge(Peer):
    name = "bridge"
    title = "Linux bridge, veth (in the kernel)"

    def interfaces(self, lab: Lab) -> list[str]:
        self.home.ip("link", "add", "bridge", "type", "bridge")
        self.home.ip("link", "set", "bridge", "up")
        for number in range(self.count):
            self.home.ip("link", "add", f"port{number}", "type", "veth", "peer", "name", f"machine{number}")
            self.home.ip("link", "set", f"port{number}", "master", "bridge", "up")
        return [f"machine{number}" for number in range(self.count)]


class Forwarder(Peer):
    options: tuple[str, ...] = ()
    #: Processes that the machines' pairs are shared out to.
    workers = 1
    #: Frames that a machine queues for the switch; as many as Toprack gives its NICs, so that it is no difference.
    queue_length = 4096

    def up(self, lab: Lab) -> None:
        super().up(lab)
        for machine in self.machines:
            machine.namespace.ip("link", "set", machine.interface, "txqueuelen", str(self.queue_length))

    def interfaces(self, lab: Lab) -> list[str]:
        names = [f"tap{number}" for number in range(self.count)]
        each = self.count // self.workers
        for start in range(0, self.count, each):
            process = lab.start(
                [lab.native("tap-forward"), *self.options, *self.pairing(names[start:start + each])], inside=self.home)
            self.processes.append(process)
            process.line("ready")
        return names

    def pairing(self, names: list[str]) -> list[str]:
        """The forwarder's words for these interfaces."""
        return names


class ReadWrite(Forwarder):
    name = "rw"
    title = "C forwarder, read/write"


class ReadWriteVirtio(Forwarder):
    name = "vnet"
    title = "C forwarder, read/write, virtio"
    options = ("--virtio",)


class Batch(Forwarder):
    name = "batch"
    title = "C forwarder, io_uring batches"
    options = ("--batch",)


class BatchVirtio(Forwarder):
    name = "batchvnet"
    title = "C forwarder, io_uring batches, virtio"
    options = ("--batch", "--virtio")


class BatchTags(BatchVirtio):
    """What a tag costs when it goes in without a look at the frame. The ways are those of `toprack_cases.Tags`."""

    name = "batchtags"
    title = "C forwarder, tags"
    parts = {
        "batchtags-plain": "C forwarder, untagged", "batchtags-push": "C forwarder, tag put in",
        "batchtags-pop": "C forwarder, tag taken out"}
    measurements = ("tags60", "tags1514", "tagssuper")
    count = 4

    def pairing(self, names: list[str]) -> list[str]:
        return [*names[:2], "--tag", "100", *names[2:]]

    def up(self, lab: Lab) -> None:
        super().up(lab)
        self.machines[3] = replace(self.machines[3], vlan=100, address=None)

    def ways(self) -> dict[str, tuple[Endpoint, Endpoint]]:
        plain, partner, untagged, tagged = self.machines
        return dict(zip(self.parts, [(plain, partner), (untagged, tagged), (tagged, untagged)]))


class VDE(Peer):
    name = "vde"
    title = "VDE 2"

    def interfaces(self, lab: Lab) -> list[str]:
        names = ["tap0", "tap1"]
        taps = [word for name in names for word in ("-tap", name)]
        # It ends at the end of its input.
        self.processes = [lab.start(
            ["vde_switch", "-sock", f"{lab.directory}/vde", *taps], inside=self.home, keep_input=True)]
        until(lambda: all(self.home.has(name) for name in names), "vde_switch has its interfaces")
        return names


class OpenVSwitch(Peer):
    name = "ovs"
    title = "Open vSwitch, userspace datapath"

    def interfaces(self, lab: Lab) -> list[str]:
        place = lab.directory / "ovs"
        place.mkdir()
        paths = {name: str(place) for name in ("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR")}
        database = f"unix:{place}/db.sock"
        schema = "/usr/share/openvswitch/vswitch.ovsschema"
        self.home.run("ovsdb-tool", "create", f"{place}/conf.db", schema)
        lab.start(
            ["ovsdb-server", f"{place}/conf.db", f"--remote=p{database}", f"--unixctl={place}/db.ctl"], inside=self.home,
            environment=paths)
        until(Path(f"{place}/db.sock").exists, "ovsdb-server listens")
        self.home.run("ovs-vsctl", f"--db={database}", "--no-wait", "init")
        self.processes = [lab.start(
            ["ovs-vswitchd", database, "--disable-system", f"--unixctl={place}/switch.ctl", f"--pidfile={place}/switch.pid"],
            inside=self.home, environment=paths)]
        names = ["tap0", "tap1"]
        add = ["add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev"]
        for name in names:
            add += ["--", "add-port", "br0", name, "--", "set", "interface", name, "type=tap"]
        self.home.run("ovs-vsctl", f"--db={database}", "--timeout=20", *add)
        until(lambda: all(self.home.has(name) for name in names), "ovs-vswitchd has its interfaces")
        return names


class ForwardersOne(Forwarder):
    """The machine's own limit of two workers: what the same load gains when nothing but copying is shared out."""

    name = "forward-1"
    title = "one C forwarder for both pairs"
    options = ("--batch", "--virtio")
    measurements = ("duplex", "cross60")
    count = 4


class ForwardersTwo(ForwardersOne):
    name = "forward-2"
    title = "two C forwarders, one a pair"
    workers = 2


PEERS: list[type[Case]] = [Bridge, ReadWrite, ReadWriteVirtio, Batch, BatchVirtio, BatchTags, VDE, OpenVSwitch]
