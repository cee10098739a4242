"""Drives packet-python, PyPI's client of the Packet era: https only, at the root of the API.

The library has one call for each request and leaves sequences to its users: `convert` makes them as its users do. Its
own tests (test_ports.py, test_vlan.py) make single steps, some of them odd; `bond`, `disbond` and `layer2` are there
for those.
"""

import os
import pathlib
import sys

import packet

sys.path.append(str(pathlib.Path(__file__).parent.parent))
from conversation import converse  # noqa: E402

ADDRESSES = [
    {"address_family": 4, "public": True},
    {"address_family": 4, "public": False},
    {"address_family": 6, "public": True},
]


def connect(token):
    manager = packet.Manager(auth_token=token)
    manager.end_point = os.environ["TOPRACK_ENDPOINT"]
    return manager


manager = connect(os.environ["TOPRACK_TOKEN"])


def described(device):
    ports = {
        port["name"]: {
            "bonded": port["data"]["bonded"],
            "networks": [network["id"] for network in port["virtual_networks"]],
            "native": (port["native_virtual_network"] or {}).get("id"),
        }
        for port in device.network_ports
    }
    return {
        "id": device.id,
        "hostname": device.hostname,
        "state": device.state,
        "description": device.description,
        "tags": device.tags,
        "mode": next(each["network_type"] for each in device.network_ports if each["name"] == "bond0"),
        "ports": ports,
        "addresses": [address.address for address in device.ips()],
    }


def show(request):
    return described(manager.get_device(request["device"]))


def port(request, name=None):
    """The id of a port of the device, by its name."""
    name = name or request["port"]
    device = manager.get_device(request["device"])
    return next(port["id"] for port in device.network_ports if port["name"] == name)


def user(request):
    return (connect(request["token"]) if "token" in request else manager).get_user()["id"]


def create_project(request):
    project = manager.create_project(request["name"])
    return {"id": project.id, "name": project.name}


def rename_project(request):
    project = manager.get_project(request["project"])
    project.name = request["name"]
    project.update()
    return {"id": project.id, "name": manager.get_project(project.id).name}


def delete_project(request):
    manager.get_project(request["project"]).delete()


def catalogue(request):
    return {
        "facilities": [facility.code for facility in manager.list_facilities()],
        "plans": [plan.slug for plan in manager.list_plans()],
        "operating_systems": [system.slug for system in manager.list_operating_systems()],
    }


def create_device(request):
    device = manager.create_device(
        project_id=request["project"],
        hostname=request["hostname"],
        plan=request["plan"],
        facility=request["facility"],
        operating_system="debian_12",
    )
    return described(device)


def update_device(request):
    device = manager.get_device(request["device"])
    device.description = request["description"]
    device.tags = request["tags"]
    device.update()
    return show(request)


def power(request):
    device = manager.get_device(request["device"])
    {"off": device.power_off, "on": device.power_on, "reboot": device.reboot}[request["action"]]()


def delete_device(request):
    manager.get_device(request["device"]).delete()


def all_devices(request):
    return {"hostnames": [device.hostname for device in manager.list_all_devices(request["project"])]}


def network(vlan):
    return {"id": vlan.id, "vxlan": vlan.vxlan}


def create_network(request):
    return network(manager.create_vlan(request["project"], facility=request["facility"]))


def networks(request):
    return [network(vlan) for vlan in manager.list_vlans(request["project"])]


def delete_network(request):
    vlan = next(
        vlan
        for project in manager.list_projects()
        for vlan in manager.list_vlans(project.id)
        if vlan.id == request["network"]
    )
    vlan.delete()


def convert(request):
    mode, wanted = show(request)["mode"], request["to"]
    bond0, eth1 = port(request, "bond0"), port(request, "eth1")
    is_layer2 = mode.startswith("layer2")
    if wanted in ("layer3", "hybrid"):
        if is_layer2:
            manager.convert_layer_3(bond0, ADDRESSES)
        elif wanted == "layer3":
            manager.bond_ports(bond0, False)
        if wanted == "hybrid":
            manager.disbond_ports(eth1, False)
    else:
        if not is_layer2:
            manager.convert_layer_2(bond0, None)
        if wanted == "layer2-individual":
            manager.disbond_ports(bond0, True)
        elif mode in ("hybrid", "layer2-individual"):
            manager.bond_ports(bond0, False)
    return show(request)


def layer2(request):
    manager.convert_layer_2(port(request), request["network"])
    return show(request)


def bond(request):
    manager.bond_ports(port(request), request["bulk"])
    return show(request)


def disbond(request):
    manager.disbond_ports(port(request), request["bulk"])
    return show(request)


def attach(request):
    manager.assign_port(port(request), request["network"])
    return show(request)


def detach(request):
    manager.remove_port(port(request), request["network"])
    return show(request)


def native(request):
    if request["network"] is None:
        manager.remove_native_vlan(port(request))
    else:
        manager.assign_native_vlan(port(request), request["network"])
    return show(request)


def key(made):
    return {"id": made.id, "label": made.label, "key": made.key, "fingerprint": made.fingerprint}


def add_key(request):
    asking = connect(request["token"]) if "token" in request else manager
    if "project" in request:
        return key(asking.create_project_ssh_key(request["project"], request["label"], request["key"]))
    return key(asking.create_ssh_key(request["label"], request["key"]))


def rename_key(request):
    found = manager.get_ssh_key(request["key"])
    found.label = request["label"]
    found.update()
    return key(manager.get_ssh_key(request["key"]))


def device_keys(request):
    return [each["href"].split("/")[-1] for each in manager.get_device(request["device"]).ssh_keys]


def describe(error):
    if not isinstance(error, packet.ResponseError):
        return None, [str(error)]
    return error.response.status_code, [str(error)]


converse(
    {
        "user": user,
        "projects": lambda request: [project.id for project in manager.list_projects()],
        "create_project": create_project,
        "rename_project": rename_project,
        "delete_project": delete_project,
        "catalogue": catalogue,
        "create_device": create_device,
        "device": show,
        "update_device": update_device,
        "power": power,
        "delete_device": delete_device,
        "all_devices": all_devices,
        "create_network": create_network,
        "networks": networks,
        "delete_network": delete_network,
        "convert": convert,
        "layer2": layer2,
        "bond": bond,
        "disbond": disbond,
        "attach": attach,
        "detach": detach,
        "native": native,
        "add_key": add_key,
        "keys": lambda request: [each.label for each in manager.list_ssh_keys()],
        "rename_key": rename_key,
        "delete_key": lambda request: manager.get_ssh_key(request["key"]).delete(),
        "device_keys": device_keys,
    },
    describe,
)
