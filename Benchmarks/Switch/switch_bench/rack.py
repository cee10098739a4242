"""A toprackd of our own, and the machines at it."""

from __future__ import annotations

import http.client
import json
import socket
from functools import cached_property
from pathlib import Path
from typing import Any

from .system import Lab, Namespace, Process, Refused, Skip, run
from .traffic import Endpoint

#: No caller is to wait here because it asked a lot, and floods are among what is measured.
_SETTINGS = "rate-limit: 1000000\nstorm-limit: 0\n"


class Rack:
    """The daemon is in a namespace that stands for the host, without an uplink; state and socket are in its own directory."""

    def __init__(self, lab: Lab, name: str, options: tuple[str, ...] = ()) -> None:
        unknown = [option for option in options if option.startswith("--") and not knows(lab, option)]
        if unknown:
            raise Skip(f"this toprackd has no {unknown[0]}")
        self._lab = lab
        self._name = name
        self._directory = lab.directory / name
        self._directory.mkdir()
        (self._directory / "toprackd.yaml").write_text(_SETTINGS)
        self.host = lab.namespace(f"{name}-host")
        self.process = self._start(options)

    @property
    def socket(self) -> str:
        return str(self._directory / "socket")

    def toprack(self, *words: str) -> str:
        return run([str(self._lab.programs / "toprack"), "--socket", self.socket, *words])

    def api(self, method: str, path: str, body: object = None) -> Any:
        """For what a person would not type: a thousand servers."""
        connection = _UnixConnection(self.socket)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            data = answer.read()
            if answer.status >= 300:
                raise Refused(f"{method} {path}: {answer.status} {data.decode(errors='replace')}")
            return json.loads(data) if data else None
        finally:
            connection.close()

    @cached_property
    def project(self) -> str:
        return str(self.api("GET", "/projects")["projects"][0]["id"])

    def networks(self, *numbers: int) -> None:
        for number in numbers:
            self.toprack("network", "create", "--vxlan", str(number))

    def server(self, name: str, mode: str, *networks: int, mtu: int = 1500) -> Namespace:
        """A server in a namespace of its own, its networks on eth0, eth0 up."""
        # What network-config prints is for a machine with IPv6.
        namespace = self._lab.namespace(f"{self._name}-{name}", silent=mode != "layer3")
        self.toprack("server", "create", name, f"--netns={namespace.name}")
        if mode != "layer3":
            self.toprack("server", "mode", name, mode)
        if mtu != 1500:
            self.toprack("set", "mtu", name, str(mtu))
            namespace.ip("link", "set", "eth0", "mtu", str(mtu))
        for number in networks:
            self.toprack("port", "attach", name, "eth0", str(number))
        namespace.ip("link", "set", "eth0", "up")
        return namespace

    def machine(self, name: str, address: str, *networks: int, mtu: int = 1500) -> Endpoint:
        """A layer-2 machine. With one network it speaks untagged; with several it speaks in the first, tagged."""
        namespace = self.server(name, "layer2-individual", *networks, mtu=mtu)
        mac = namespace.mac("eth0")
        if len(networks) < 2:
            namespace.ip("address", "add", f"{address}/16", "dev", "eth0")
            return Endpoint(namespace, "eth0", mac, address)
        usable = address if _add_vlan(namespace, networks[0], address) else None
        return Endpoint(namespace, "eth0", mac, usable, networks[0])

    def routed_machine(self, name: str) -> Endpoint:
        namespace = self.server(name, "layer3")
        script = self.toprack("server", "network-config", name, "--no-bond")
        namespace.run("sh", text=script)
        device = self.api("GET", f"/toprack/devices/{name}")
        public = [entry["address"] for entry in device["ip_addresses"] if entry["public"] and entry["address_family"] == 4]
        return Endpoint(namespace, "eth0", namespace.mac("eth0"), public[0])

    def stations(self) -> int:
        return int(self.api("GET", "/toprack/status")["stations"])

    def flush(self) -> None:
        self.api("DELETE", "/toprack/fdb")

    def _start(self, options: tuple[str, ...]) -> Process:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            path = str(self._directory / "notify")
            manager.bind(path)
            manager.settimeout(20)
            process = self._lab.start(
                [str(self._lab.programs / "toprackd"), "--config", str(self._directory / "toprackd.yaml"),
                 "--state", str(self._directory / "state"), "--socket", self.socket, "--uplink", "none",
                 "--log-level", "warning", *options],
                inside=self.host, environment={"NOTIFY_SOCKET": path})
            try:
                while b"READY=1" not in manager.recv(4096).split(b"\n"):
                    pass
            except TimeoutError as late:
                process.end()
                raise Refused(f"toprackd was not ready after 20 s:\n{process.output}") from late
            return process


def knows(lab: Lab, option: str) -> bool:
    return option in run([str(lab.programs / "toprackd"), "--help"])


def _add_vlan(namespace: Namespace, number: int, address: str) -> bool:
    """An interface for the VLAN, on a kernel that can have one."""
    try:
        namespace.ip("link", "add", "link", "eth0", "name", f"eth0.{number}", "type", "vlan", "id", str(number))
    except Refused:
        return False
    namespace.ip("address", "add", f"{address}/16", "dev", f"eth0.{number}")
    namespace.ip("link", "set", f"eth0.{number}", "up")
    return True


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        self.sock.connect(self._path)


def programs_at(directory: Path) -> Path:
    for name in ("toprackd", "toprack"):
        if not (directory / name).exists():
            raise Refused(f"{directory} has no {name}")
    return directory
