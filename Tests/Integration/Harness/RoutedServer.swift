import Testing

/// A server with its addresses set, as its installer would: the kernel of its namespace speaks for it.
struct RoutedServer {
  let lab: Lab
  let machine: Machine
  /// Where the addresses are.
  let interface: String
  let addresses: Addresses

  var name: String { machine.name }
  var namespace: NetworkNamespace { machine.namespace }
  var publicIPv4: String { addresses.publicIPv4.address }
  var privateIPv4: String { addresses.privateIPv4.address }
  var publicIPv6: String { addresses.publicIPv6.address }
  /// All three.
  var all: [String] { [publicIPv4, privateIPv4, publicIPv6] }

  /// The other ends of the three links.
  var gateways: [String] { [addresses.publicIPv4, addresses.privateIPv4, addresses.publicIPv6].map(\.gateway) }

  /// What `server show --json` says of a server's addresses.
  struct Addresses: Equatable {
    struct Pair: Equatable {
      let address: String
      let length: Int
      let gateway: String
    }
    let publicIPv4: Pair
    let privateIPv4: Pair
    let publicIPv6: Pair

    /// Nil when it does not have all three.
    init?(_ device: JSON) {
      func pair(_ family: Int, isPublic: Bool) -> Pair? {
        let entry = device["ip_addresses"].array?.first {
          $0["address_family"].int == family && $0["public"].bool == isPublic && $0["management"].bool == true
        }
        guard let entry, let address = entry["address"].string, let length = entry["cidr"].int,
          let gateway = entry["gateway"].string
        else { return nil }
        return Pair(address: address, length: length, gateway: gateway)
      }
      guard let publicIPv4 = pair(4, isPublic: true), let privateIPv4 = pair(4, isPublic: false),
        let publicIPv6 = pair(6, isPublic: true)
      else { return nil }
      (self.publicIPv4, self.privateIPv4, self.publicIPv6) = (publicIPv4, privateIPv4, publicIPv6)
    }

    var all: Set<String> { [publicIPv4.address, privateIPv4.address, publicIPv6.address] }
  }

  /// The same server after its addresses have changed: takes the old ones away and sets those that it has now.
  func configured() throws -> RoutedServer { try lab.configured(machine, on: interface) }

  /// The gateway's MAC address, as ARP has told the server's kernel.
  func gatewayMAC(sourceLocation: SourceLocation = #_sourceLocation) throws -> MAC {
    try expectPings([addresses.publicIPv4.gateway], sourceLocation: sourceLocation)
    let neighbours = try JSON(
      runSuccessfully(["ip", "-n", namespace.name, "-j", "neigh", "show", addresses.publicIPv4.gateway]).output)
    guard let mac = neighbours[0]["lladdr"].string.flatMap({ MAC($0) }) else {
      throw HarnessError("\(name) does not know the gateway's MAC address")
    }
    return mac
  }

  /// Whether `count` pings from here to `address` are all answered.
  func pings(_ address: String, count: Int = 2, _ options: String...) throws -> Bool {
    try namespace.ping(address, count: count, options).lost == 0
  }

  /// Pings to `targets` are answered.
  func expectPings(
    _ targets: [String], _ comment: @autoclosure () -> String = "", sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    for target in targets {
      let ping = try namespace.ping(target, count: 2, [])
      #expect(ping.lost == 0, "\(name) to \(target) \(comment()): \(ping.text)", sourceLocation: sourceLocation)
    }
  }
}

extension Lab {
  /// Creates a server in layer 3 mode, or in `mode`, and sets its addresses on eth0.
  func routed(_ name: String, _ mode: Mode? = nil, plan: String? = nil, facility: String? = nil) throws -> RoutedServer
  {
    try configured(machine(name, mode, plan: plan, facility: facility), on: "eth0")
  }

  /// Takes all addresses of `interface` away, and sets those that the server has: public by default, private for 10/8.
  func configured(_ machine: Machine, on interface: String) throws -> RoutedServer {
    let device = try toprack.json("server", "show", machine.name)
    guard let addresses = RoutedServer.Addresses(device) else {
      throw HarnessError("\(machine.name) has not three addresses: \(device["ip_addresses"])")
    }
    let (public4, private4, public6) = (addresses.publicIPv4, addresses.privateIPv4, addresses.publicIPv6)
    try machine.namespace.run(
      "sh", "-ec",
      """
      # While a test counts frames a server says nothing by itself: neither the second listener report, which comes within so
      # many ms (RFC 3810 9.11), nor the search for somebody else with its address, which begins within a second (RFC 4862 5.4.2).
      for setting in mldv2_unsolicited_report_interval=3600000 dad_transmits=0 accept_ra=0 disable_ipv6=0; do
        echo ${setting#*=} > /proc/sys/net/ipv6/conf/\(interface)/${setting%=*}
      done
      # The kernel's own limit of ICMP errors would hide hops from a traceroute.
      echo 0 > /proc/sys/net/ipv4/icmp_ratelimit
      echo 0 > /proc/sys/net/ipv6/icmp/ratelimit
      ip link set lo up
      ip address flush dev \(interface) scope global
      ip link set \(interface) up
      ip address add \(public4.address)/\(public4.length) dev \(interface)
      ip address add \(private4.address)/\(private4.length) dev \(interface)
      ip -6 address add \(public6.address)/\(public6.length) dev \(interface) nodad
      ip route replace default via \(public4.gateway) dev \(interface) src \(public4.address)
      ip route replace 10.0.0.0/8 via \(private4.gateway) dev \(interface) src \(private4.address)
      ip -6 route replace default via \(public6.gateway) dev \(interface)
      """)
    return RoutedServer(lab: self, machine: machine, interface: interface, addresses: addresses)
  }

  /// The daemon's host, which a lab has that was made with one.
  func hostNamespace() throws -> NetworkNamespace {
    guard let host else { throw HarnessError("this lab has no host of its own") }
    return host
  }

  /// The addresses that the server has in the rack.
  func addresses(_ name: String) throws -> Set<String> {
    let device = try toprack.json("server", "show", name)
    return Set((device["ip_addresses"].array ?? []).compactMap { $0["address"].string })
  }
}

/// What ping(8) printed.
struct PingReport {
  let sent: Int
  let received: Int
  let text: String
  var lost: Int { sent - received }

  init(_ finished: Finished) {
    text = finished.text + finished.errors
    // "3 packets transmitted, 2 received, +1 errors, …"
    let summary = text.split(separator: "\n").first { $0.contains("packets transmitted") } ?? ""
    let words = summary.split(separator: " ")
    sent = words.first.flatMap { Int($0) } ?? 1
    received = summary.split(separator: ",").dropFirst().first?.split(separator: " ").first.flatMap { Int($0) } ?? 0
  }
}

extension NetworkNamespace {
  /// Runs a command in the namespace, whatever becomes of it.
  func attempt(_ command: [String], limit: Duration = .seconds(60)) throws -> Finished {
    try IntegrationTests.run(["ip", "netns", "exec", name] + command, limit: limit)
  }

  /// `count` pings, 50 ms apart.
  func ping(_ address: String, count: Int, _ options: [String]) throws -> PingReport {
    PingReport(try attempt(["ping", "-n", "-c", "\(count)", "-i", "0.05", "-W", "2"] + options + [address]))
  }

  /// The routers on the way to `address` and itself, as traceroute(8) sees them; "*" where nobody answers.
  func traceroute(_ address: String) throws -> [String] {
    let family = address.contains(":") ? "-6" : "-4"
    let finished = try attempt(["traceroute", family, "-n", "-q", "1", "-N", "1", "-w", "2", "-m", "6", address])
    return finished.text.split(separator: "\n").dropFirst().compactMap { line in
      line.split(separator: " ").dropFirst().first.map(String.init)
    }
  }
}
