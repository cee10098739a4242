"""Drives equinix-metal, the client that Equinix generates from the service's OpenAPI text: at /metal/v1, with models
that refuse an answer whose types are not the documented ones.

The library has one call for each request and leaves sequences to its users; those here name each step, as the service's
manual does.
"""

import os
import pathlib
import sys

import equinix_metal
from equinix_metal import (
    CreateDeviceRequest,
    DeviceActionInput,
    DeviceCreateInFacilityInput,
    DevicesApi,
    DeviceUpdateInput,
    EventsApi,
    FacilitiesApi,
    FacilityInputFacility,
    OperatingSystemsApi,
    PlansApi,
    PortAssignInput,
    PortConvertLayer3Input,
    PortConvertLayer3InputRequestIpsInner,
    PortsApi,
    PortVlanAssignmentBatchCreateInput,
    PortVlanAssignmentBatchCreateInputVlanAssignmentsInner,
    ProjectCreateFromRootInput,
    ProjectsApi,
    ProjectUpdateInput,
    SSHKeyCreateInput,
    SSHKeyInput,
    SSHKeysApi,
    UsersApi,
    VirtualNetworkCreateInput,
    VLANsApi,
)

sys.path.append(str(pathlib.Path(__file__).parent.parent))
from conversation import converse  # noqa: E402


def connect(token):
    configuration = equinix_metal.Configuration(host=f"https://{os.environ['TOPRACK_ENDPOINT']}/metal/v1")
    configuration.api_key["x_auth_token"] = token
    configuration.ssl_ca_cert = os.environ["REQUESTS_CA_BUNDLE"]
    return equinix_metal.ApiClient(configuration)


client = connect(os.environ["TOPRACK_TOKEN"])
devices, ports, vlans, projects = DevicesApi(client), PortsApi(client), VLANsApi(client), ProjectsApi(client)


def described(device):
    shown = {
        port.name: {
            "bonded": port.data.bonded,
            "networks": [network.id for network in port.virtual_networks],
            "native": port.native_virtual_network.id if port.native_virtual_network else None,
        }
        for port in device.network_ports
    }
    return {
        "id": device.id,
        "hostname": device.hostname,
        "state": device.state,
        "description": device.description,
        "tags": device.tags,
        "mode": next(port.network_type for port in device.network_ports if port.name == "bond0"),
        "ports": shown,
        "addresses": [ip.address for ip in devices.find_ip_assignments(device.id).ip_addresses],
    }


def show(request):
    return described(devices.find_device_by_id(request["device"]))


def port(request, name=None):
    """A port of the device, by its name, as the library's own call for one port gives it."""
    name = name or request["port"]
    device = devices.find_device_by_id(request["device"])
    found = next(port for port in device.network_ports if port.name == name)
    return ports.find_port_by_id(found.id, include=["virtual_networks", "native_virtual_network"])


def user(request):
    return UsersApi(connect(request["token"]) if "token" in request else client).find_current_user().id


def create_project(request):
    project = projects.create_project(ProjectCreateFromRootInput(name=request["name"]))
    return {"id": project.id, "name": project.name}


def rename_project(request):
    project = projects.update_project(request["project"], ProjectUpdateInput(name=request["name"]))
    return {"id": project.id, "name": project.name}


def catalogue(request):
    return {
        "facilities": [facility.code for facility in FacilitiesApi(client).find_facilities().facilities],
        "plans": [plan.slug for plan in PlansApi(client).find_plans().plans],
        "operating_systems": [
            system.slug for system in OperatingSystemsApi(client).find_operating_systems().operating_systems
        ],
    }


def create_device(request):
    wanted = DeviceCreateInFacilityInput(
        hostname=request["hostname"],
        plan=request["plan"],
        facility=FacilityInputFacility([request["facility"]]),
        operating_system="debian_12",
    )
    return described(devices.create_device(request["project"], CreateDeviceRequest(wanted)))


def update_device(request):
    change = DeviceUpdateInput(description=request["description"], tags=request["tags"])
    return described(devices.update_device(request["device"], change))


def power(request):
    kind = {"off": "power_off", "on": "power_on", "reboot": "reboot"}[request["action"]]
    devices.perform_action(request["device"], DeviceActionInput(type=kind))


def all_devices(request):
    pages = devices.find_project_devices_all_pages(request["project"], per_page=request["per_page"])
    return {"hostnames": [device.hostname for device in pages.devices]}


def network(vlan):
    return {"id": vlan.id, "vxlan": vlan.vxlan}


def create_network(request):
    wanted = VirtualNetworkCreateInput(facility=request["facility"])
    return network(vlans.create_virtual_network(request["project"], wanted))


def convert(request):
    mode, wanted = show(request)["mode"], request["to"]
    bond0, eth1 = port(request, "bond0").id, port(request, "eth1").id
    is_layer2 = mode.startswith("layer2")
    if wanted in ("layer3", "hybrid"):
        if mode == "layer2-individual":
            ports.bond_port(bond0, bulk_enable=True)
        if is_layer2:
            addresses = [(4, True), (4, False), (6, True)]
            ports.convert_layer3(
                bond0,
                port_convert_layer3_input=PortConvertLayer3Input(
                    request_ips=[
                        PortConvertLayer3InputRequestIpsInner(address_family=family, public=public)
                        for family, public in addresses
                    ]
                ),
            )
        elif wanted == "layer3":
            ports.bond_port(eth1)
        if wanted == "hybrid":
            ports.disbond_port(eth1, bulk_disable=False)
    else:
        if not is_layer2:
            ports.convert_layer2(bond0, PortAssignInput())
        if wanted == "layer2-individual":
            ports.disbond_port(bond0, bulk_disable=True)
        elif mode in ("hybrid", "layer2-individual"):
            ports.bond_port(bond0, bulk_enable=True)
    return show(request)


def attach(request):
    ports.assign_port(port(request).id, PortAssignInput(vnid=request["network"]))
    return show(request)


def detach(request):
    ports.unassign_port(port(request).id, PortAssignInput(vnid=request["network"]))
    return show(request)


def native(request):
    if request["network"] is None:
        ports.delete_native_vlan(port(request).id)
    else:
        ports.assign_native_vlan(port(request).id, request["network"])
    return show(request)


def batch(request):
    wanted = [
        PortVlanAssignmentBatchCreateInputVlanAssignmentsInner(
            vlan=network, state="assigned", native=network == request["native"]
        )
        for network in request["networks"]
    ]
    on = port(request).id
    made = ports.create_port_vlan_assignment_batch(on, PortVlanAssignmentBatchCreateInput(vlan_assignments=wanted))
    # As its users do, until the service says that it is through with it.
    while made.state in ("queued", "in_progress"):
        made = ports.find_port_vlan_assignment_batch_by_port_id_and_batch_id(on, made.id)
    if made.state != "completed":
        raise RuntimeError(f"batch {made.id} is {made.state}: {made.error_messages}")
    return show(request)


def events(request):
    return [event.type for event in EventsApi(client).find_device_events_all_pages(request["device"]).events]


def key(made):
    return {"id": made.id, "label": made.label, "key": made.key, "fingerprint": made.fingerprint}


def add_key(request):
    wanted = SSHKeyCreateInput(label=request["label"], key=request["key"])
    if "project" in request:
        return key(SSHKeysApi(client).create_project_ssh_key(request["project"], wanted))
    return key(SSHKeysApi(client).create_ssh_key(wanted))


def rename_key(request):
    return key(SSHKeysApi(client).update_ssh_key(request["key"], SSHKeyInput(label=request["label"])))


def device_keys(request):
    return [each.href.split("/")[-1] for each in devices.find_device_by_id(request["device"]).ssh_keys]


def describe(error):
    if not isinstance(error, equinix_metal.exceptions.ApiException):
        return None, [str(error)]
    if error.data is None:
        # A status that the service does not document for this call: the library keeps the body as it is.
        return error.status, [error.body]
    return error.status, error.data.errors or [error.data.error]


converse(
    {
        "user": user,
        "projects": lambda request: [project.id for project in projects.find_projects_all_pages().projects],
        "create_project": create_project,
        "rename_project": rename_project,
        "delete_project": lambda request: projects.delete_project(request["project"]),
        "catalogue": catalogue,
        "create_device": create_device,
        "device": show,
        "update_device": update_device,
        "power": power,
        "delete_device": lambda request: devices.delete_device(request["device"]),
        "all_devices": all_devices,
        "create_network": create_network,
        "networks": lambda request: [
            network(vlan) for vlan in vlans.find_virtual_networks(request["project"]).virtual_networks
        ],
        "delete_network": lambda request: vlans.delete_virtual_network(request["network"]),
        "convert": convert,
        "attach": attach,
        "detach": detach,
        "native": native,
        "batch": batch,
        "events": events,
        "add_key": add_key,
        "keys": lambda request: [each.label for each in SSHKeysApi(client).find_ssh_keys().ssh_keys],
        "rename_key": rename_key,
        "delete_key": lambda request: SSHKeysApi(client).delete_ssh_key(request["key"]),
        "device_keys": device_keys,
    },
    describe,
)
