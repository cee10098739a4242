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

# How many calls a reading of the rack is good for, how many servers and networks there are to be at least, and how many
# projects and servers at most: calls that make them would fill the rack, and each list would take longer than the one
# before.
CALLS_PER_READING = 25
AT_LEAST = 4
AT_MOST = 12


class Rack:
    """Ids of what the daemon has, by the path segment before them in the API. Read anew from time to time."""

    def __init__(self):
        self.ids = {}
        self.calls = 0

    def candidates(self, kind):
        return self.ids.get(kind, [])

    def note_call(self):
        if self.calls % CALLS_PER_READING == 0:
            self.read()
        self.calls += 1

    def read(self):
        """In as many requests as there are kinds of things, however many there are of each."""
        devices = self.get("/toprack/devices").get("devices", [])
        addresses = self.get("/toprack/ips")
        self.ids = {
            "projects": self.list("/projects?per_page=200", "projects"),
            "organizations": self.list("/organizations", "organizations"),
            "events": self.list("/events?per_page=50", "events"),
            "facilities": self.list("/facilities", "facilities", "code"),
            "metros": self.list("/locations/metros", "metros", "code"),
            "plans": self.list("/plans", "plans", "slug"),
            "operating-systems": self.list("/operating-systems", "operating_systems", "slug"),
            "virtual-networks": self.list("/toprack/virtual-networks", "virtual_networks"),
            "ips": [each["id"] for name in ("ip_addresses", "ip_reservations") for each in addresses.get(name, [])],
            "devices": [device["id"] for device in devices],
            "ports": [port["id"] for device in devices for port in device["network_ports"]],
        }
        projects = self.ids["projects"]
        if not projects:
            self.post("/projects", {"name": "another"})
        elif len(devices) < AT_LEAST:
            server = {"plan": "c3.small.x86", "facility": "ewr1", "operating_system": "debian_12"}
            self.post(f"/projects/{projects[0]}/devices", server)
        elif len(self.ids["virtual-networks"]) < AT_LEAST:
            self.post(f"/projects/{projects[0]}/virtual-networks", {"facility": "ewr1"})
        for kind in ("devices", "projects"):
            for surplus in self.ids[kind][AT_MOST:]:
                # A project that something is in stays.
                if SESSION.delete(f"{BASE}/{kind}/{surplus}").ok:
                    self.ids[kind].remove(surplus)

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
    RACK.note_call()
    path = case.operation.path
    for name, value in (case.path_parameters or {}).items():
        segment = re.search(rf"([a-z-]+)/\{{{re.escape(name)}\}}", path)
        if segment:
            case.path_parameters[name] = in_path(value, segment.group(1))
    if case.query:
        case.query = {name: by_name(name, value) for name, value in case.query.items()}
    case.body = with_existing(case.body)
