/// What is beyond a lab's host: a namespace on a cable to it, which knows the way back to the rack's pools by the host.
struct Internet {
  static let hostIPv4 = "203.0.113.1"
  static let ipv4 = "203.0.113.2"
  static let hostIPv6 = "fd00:cafe::1"
  static let ipv6 = "fd00:cafe::2"

  let namespace: NetworkNamespace

  /// The host forwards from now on. `knowsTheRack`: whether it has routes to servers, or has to be content with the host's addresses.
  init(of lab: Lab, knowsTheRack: Bool = true) throws {
    guard let host = lab.host else { throw HarnessError("the lab has no host of its own") }
    namespace = lab.namespace("internet")
    try namespace.create()
    try host.run(
      "sh", "-ec",
      """
      ip link add inet0 type veth peer name eth0 netns \(namespace.name)
      ip address add \(Self.hostIPv4)/24 dev inet0
      ip -6 address add \(Self.hostIPv6)/64 dev inet0 nodad
      ip link set inet0 up
      echo 1 > /proc/sys/net/ipv4/ip_forward
      echo 0 > /proc/sys/net/ipv4/icmp_ratelimit
      echo 0 > /proc/sys/net/ipv6/icmp/ratelimit
      echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
      """)
    try namespace.run(
      "sh", "-ec",
      """
      ip address add \(Self.ipv4)/24 dev eth0
      ip -6 address add \(Self.ipv6)/64 dev eth0 nodad
      ip link set eth0 up
      """)
    guard knowsTheRack else { return }
    try namespace.run(
      "sh", "-ec",
      """
      ip route add 198.18.0.0/15 via \(Self.hostIPv4)
      ip -6 route add 2001:db8::/32 via \(Self.hostIPv6)
      """)
  }
}
