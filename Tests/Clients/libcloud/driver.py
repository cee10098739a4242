"""Drives Apache Libcloud's Equinix Metal driver, the client of many clouds: it asks api.equinix.com, sends actions and
updates in the query string, and knows nothing of ports and networks.

The driver takes no other host, so `hosts` names the daemon by that name; see README.md. Its functions for a node answer
whether the status was 200 exactly: those of actions and of deletion are False for the 202 and 204 that the service
documents, so nobody reads them.
"""

import os
import pathlib
import sys

import libcloud.compute.drivers.equinixmetal
from libcloud.common.types import InvalidCredsError
from libcloud.compute.providers import get_driver
from libcloud.compute.types import Provider

sys.path.append(str(pathlib.Path(__file__).parent.parent))
from conversation import converse  # noqa: E402

# Its coroutine needs a Python older than 3.11; this is the library's own way to do without.
libcloud.compute.drivers.equinixmetal.USE_ASYNC_IO_IF_AVAILABLE = False


def connect(token, project=None):
    return get_driver(Provider.EQUINIXMETAL)(token, project)


driver = connect(os.environ["TOPRACK_TOKEN"])


def described(node):
    return {
        "id": node.id,
        "hostname": node.name,
        "state": node.state,
        "description": node.extra["description"],
        "locked": node.extra["locked"],
        "size": node.size.id,
        "image": node.image.id,
        "metro": node.extra["metro"]["code"],
        "public": node.public_ips,
        "private": node.private_ips,
    }


def find(request):
    """The node as the library lists it: it has no call for a single one."""
    return next(node for node in driver.list_nodes() if node.id == request["device"])


def by_id(things, wanted):
    return next(thing for thing in things if thing.id == wanted)


def projects(request):
    used = connect(request["token"]) if "token" in request else driver
    return [{"id": project.id, "name": project.name} for project in used.ex_list_projects()]


def catalogue(request):
    return {
        "metros": {location.extra["code"]: location.name for location in driver.list_locations()},
        "plans": {
            size.id: {"ram": size.ram, "disk": size.disk, "price": size.price, "cpus": size.extra["cpus"]}
            for size in driver.list_sizes()
        },
        "operating_systems": {image.id: image.extra["distro"] for image in driver.list_images()},
    }


def create_device(request):
    metro = next(place for place in driver.list_locations() if place.extra["code"] == request["metro"])
    node = driver.create_node(
        request["hostname"],
        by_id(driver.list_sizes(), request["plan"]),
        by_id(driver.list_images(), request["operating_system"]),
        metro,
        ex_project_id=request["project"],
        cloud_init=request.get("userdata"),
    )
    return described(node)


def devices(request):
    """All of them, or those of one project, by its name, in each way that the library has for that."""
    if "project" not in request:
        return [described(node) for node in driver.list_nodes()]
    named = connect(os.environ["TOPRACK_TOKEN"], request["project"])
    named.projects  # reads what the name is of, as its documentation says
    both = [named.list_nodes(), driver.list_nodes(named.project_id)]
    if [node.id for node in both[0]] != [node.id for node in both[1]]:
        raise RuntimeError(f"two lists of one project: {both}")
    return [described(node) for node in both[0]]


def power(request):
    node = find(request)
    {
        "off": driver.stop_node,
        "on": driver.start_node,
        "reboot": driver.reboot_node,
        "rescue": driver.ex_rescue_node,
        "reinstall": driver.ex_reinstall_node,
    }[request["action"]](node)


def update_device(request):
    if not driver.ex_update_node(find(request), **request["changes"]):
        raise RuntimeError("ex_update_node says no")
    return described(find(request))


def address(data):
    return {
        "id": data["id"],
        "address": data["address"],
        "cidr": data["cidr"],
        "network": data["network"],
        "gateway": data["gateway"],
        "assignments": len(data.get("assignments", [])),
    }


def reserve(request):
    return address(
        driver.ex_request_address_reservation(
            request["project"],
            location_id=request["metro"],
            address_family="public_ipv4",
            quantity=request["quantity"],
            comments=request["comments"],
        )
    )


def addresses(request):
    """ex_describe_all_addresses hands `only_associated` on in the place of `include`; the call below it has both by name."""
    if request["associated"]:
        found = driver.ex_describe_all_addresses_for_project(request["project"], only_associated=True)
    else:
        found = driver.ex_describe_all_addresses(request["project"])
    return [address(each) for each in found]


def associate(request):
    return address(driver.ex_associate_address_with_node(find(request), request["address"]))


def assignments(request):
    listed = driver.ex_list_ip_assignments_for_node(find(request))
    return [f"{each['address']}/{each['cidr']}" for each in listed["ip_addresses"]]


def events(request):
    if "device" in request:
        listed = driver.ex_list_events_for_node(find(request), per_page=100)
    else:
        listed = driver.ex_list_events_for_project(by_id(driver.ex_list_projects(), request["project"]), per_page=100)
    return [event["type"] for event in listed["events"]]


def nothing(_):
    """What a call returns that nobody reads."""


def describe(error):
    if isinstance(error, InvalidCredsError):
        return 401, [error.value]
    # A refusal is an Exception whose argument is the list of texts; the library does not keep the status.
    texts = error.args[0] if type(error) is Exception else str(error)
    return None, texts if isinstance(texts, list) else [str(texts)]


converse(
    {
        "projects": projects,
        "catalogue": catalogue,
        "create_device": create_device,
        "devices": devices,
        "device": lambda request: described(find(request)),
        "power": power,
        "update_device": update_device,
        "delete_device": lambda request: nothing(driver.destroy_node(find(request))),
        "reserve": reserve,
        "addresses": addresses,
        "address": lambda request: address(driver.ex_describe_address(request["address"])),
        "associate": associate,
        "disassociate": lambda request: nothing(driver.ex_disassociate_address(request["address"])),
        "assignments": assignments,
        "events": events,
        "key_pairs": lambda request: [key.name for key in driver.list_key_pairs()],
        "bgp": lambda request: driver.ex_get_bgp_config(request["project"]),
    },
    describe,
)
