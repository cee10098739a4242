// The reasons for which the switch lets frames go no further, explained to somebody who looks for one of them. The
// names are those of the switch; one that is not explained here is shown by its name.

enum DropWords {
  static func explanation(of name: String) -> String? { all[name] }

  private static let all = [
    "runt": "Shorter than an Ethernet header.",
    "truncated-tag": "Ends within its VLAN tag.",
    "reserved-vlan": "Tagged with VLAN 4095, which is reserved.",
    "reserved-address": "Sent to a link-local group (01-80-C2-00-00-00 to 0F), which a switch never forwards.",
    "slow-protocol": "LACP on a NIC that is in no bond, or too often.",
    "invalid-source": "Its source address is a group’s.",
    "no-port": "The NIC belongs to no port now.",
    "no-vlan": "No VLAN is attached to the port.",
    "vlan-not-allowed": "Tagged with a VLAN that is not on the port.",
    "untagged-not-allowed": "Untagged, on a port where every VLAN is tagged.",
    "no-gateway": "The port is routed, and there is nothing to route by.",
    "bond-standby": "Came by a member of the bond that does not carry.",
    "same-port": "Its receiver is on the port that it came in by.",
    "no-receiver": "Nobody else is in its network.",
    "mtu-exceeded": "Not delivered here: longer than the MTU that this interface is set to.",
    "link-down": "The receiver’s link was down.",
    "transmit-failed": "The receiver’s interface did not take it.",
    "spoofed-source": "Its source address is not the server’s.",
    "martian": "From or to an address that no packet can have: loopback, unspecified, or source equal to destination.",
    "class-e": "To an address of class E.",
    "multicast": "To a group that nobody routes here.",
    "link-local": "Link-local addresses never cross a router.",
    "not-for-gateway": "To a MAC address that is not the gateway’s.",
    "unknown-protocol": "Neither ARP, IPv4 nor IPv6, on a routed port.",
    "malformed-packet": "An IP header that contradicts itself or the frame.",
    "bad-checksum": "A wrong IPv4 header checksum.",
    "source-route": "Asks the gateway to be a hop of a source route.",
    "ttl-exceeded": "Its time to live has run out.",
    "no-route": "To an address that nobody has, or no way out.",
    "packet-too-big": "Larger than the next link takes; the sender was told.",
    "neighbour-unreachable": "The next hop does not answer.",
    "gateway-busy": "More than the gateway’s slow path takes from one NIC.",
    "not-answered": "To the gateway itself, which has nothing to answer.",
    "bad-offload": "Its offload fields (checksum, segmentation) do not fit the frame.",
    "storm": "More broadcasts, multicasts and frames to unknown stations than storm-limit lets a NIC send in a second.",
    "loop-guard": "From or to a port that is shut for a while, because what the switch sends to it comes back.",
    "impaired": "Lost on purpose: loss or a rate is set on the link of this NIC.",
    "receiver-slow": "The NIC’s own system takes so long for a frame that it gets nothing for a while.",
  ]
}
