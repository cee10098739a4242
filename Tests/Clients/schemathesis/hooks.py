"""Makes generated calls hit things that exist.

A random UUID names nothing, so without help every call with an id in its path would answer 404. Here most of the ids
in a generated call, in its path or its body, become ids of the same kind that the daemon has at that moment, and most
names of places, plans and operating systems become real ones. Which are exchanged, and for what, is decided by the
generated value itself: there is no randomness of its own here.

The namespace of a new server (the member `toprack.netns`) becomes the one that the test has for it: one of a generated
name would be made on the machine.
"""

import os
import re
import uuid
import zlib

import requests
import schemathesis

BASE = f"https://{os.environ['TOPRACK_ENDPOINT']}"
SESSION = requests.Session()
SESSION.headers["X-Auth-Token"] = os.environ["TOPRACK_TOKEN"]
SESSION.verify = os.environ["REQUESTS_CA_BUNDLE"]

# How many calls a reading of the rack is good for, and how many servers and networks there are to be at least.
CALLS_PER_READING = 25
AT_LEAST = 4


class Rack:
    """Ids of what the daemon has, by the path segment before them in the API. Read anew from time to time."""

    def __init__(self):
        self.ids = {}
        self.calls = 0

    def candidates(self, kind):
        if self.calls % CALLS_PER_READING == 0:
            self.read()
        self.calls += 1
        return self.ids.get(kind, [])

    def read(self):
        ids = {
            "projects": self.list("/projects?per_page=100", "projects"),
            "organizations": self.list("/organizations", "organizations"),
            "events": self.list("/events?per_page=50", "events"),
            "facilities": self.list("/facilities", "facilities", "code"),
            "metros": self.list("/locations/metros", "metros", "code"),
            "plans": self.list("/plans", "plans", "slug"),
            "operating-systems": self.list("/operating-systems", "operating_systems", "slug"),
        }
        networks, addresses, devices, ports = [], [], [], []
        for project in ids["projects"]:
            networks += self.list(f"/projects/{project}/virtual-networks", "virtual_networks")
            addresses += self.list(f"/projects/{project}/ips", "ip_addresses")
            for device in self.get(f"/projects/{project}/devices?per_page=100").get("devices", []):
                devices.append(device["id"])
                ports += [port["id"] for port in device["network_ports"]]
                addresses += [address["id"] for address in device["ip_addresses"]]
        ids |= {"virtual-networks": networks, "ips": addresses, "devices": devices, "ports": ports}
        self.ids = ids
        if not ids["projects"]:
            self.post("/projects", {"name": "another"})
        elif len(devices) < AT_LEAST:
            server = {"plan": "c3.small.x86", "facility": "ewr1", "operating_system": "debian_12"}
            self.post(f"/projects/{ids['projects'][0]}/devices", server)
        elif len(networks) < AT_LEAST:
            self.post(f"/projects/{ids['projects'][0]}/virtual-networks", {"facility": "ewr1"})

    def list(self, path, member, name="id"):
        return [each[name] for each in self.get(path).get(member, [])]

    @staticmethod
    def get(path):
        return SESSION.get(BASE + path).json()

    @staticmethod
    def post(path, body):
        SESSION.post(BASE + path, json=body)


RACK = Rack()

OWN_TOKENS = set(RACK.list("/toprack/tokens", "tokens"))

# Members of bodies and queries that name something, and of which kind.
MEMBERS = {
    "vnid": "virtual-networks",
    "vlan": "virtual-networks",
    "organization_id": "organizations",
    "project_id": "projects",
    "facility": "facilities",
    "metro": "metros",
    "plan": "plans",
    "operating_system": "operating-systems",
}


def existing(number, value, kind):
    """Four times of five something that exists, by what the number is modulo that; else the value as it is."""
    candidates = RACK.candidates(kind)
    if not candidates or number % 5 == 0:
        return value
    return candidates[number // 5 % len(candidates)]


def in_path(value, kind):
    """A UUID may become another one. What is no UUID is there to be refused. The token of these calls stays."""
    if value in OWN_TOKENS:
        return str(uuid.UUID(int=0))
    try:
        return existing(uuid.UUID(value).int, value, kind)
    except (AttributeError, TypeError, ValueError):
        return value


def by_name(name, value):
    if name not in MEMBERS or not isinstance(value, str):
        return value
    return existing(zlib.crc32(value.encode("utf-8", "replace")), value, MEMBERS[name])


def with_existing(body):
    if isinstance(body, list):
        return [with_existing(each) for each in body]
    if not isinstance(body, dict):
        return body
    changed = {}
    for name, value in body.items():
        if name == "netns" and isinstance(value, str):
            changed[name] = os.environ["TOPRACK_NETNS"]
        else:
            changed[name] = by_name(name, with_existing(value))
    return changed


@schemathesis.hook
def before_call(context, case, **kwargs):
    path = case.operation.path
    for name, value in (case.path_parameters or {}).items():
        segment = re.search(rf"([a-z-]+)/\{{{re.escape(name)}\}}", path)
        if segment:
            case.path_parameters[name] = in_path(value, segment.group(1))
    if case.query:
        case.query = {name: by_name(name, value) for name, value in case.query.items()}
    case.body = with_existing(case.body)
