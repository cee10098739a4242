package import FoundationEssentials
import Glibc
package import Logging
package import Net
import Ports
package import Switching

/// An interface of the host that the rack is to be reached by.
package struct UplinkRequest: Hashable, Sendable {
  /// A block of addresses that servers have.
  package struct Pool: Hashable, Sendable {
    /// Words of the setting, `pools.ewr1.public-ipv4`.
    package let kind: String
    package let facility: String
    package let prefix: IPPrefix

    package init(kind: String, facility: String, prefix: IPPrefix) {
      (self.kind, self.facility, self.prefix) = (kind, facility, prefix)
    }
  }

  /// At most 15 bytes.
  package var name: String
  package var nic: NICIndex
  /// The blocks of two, /31 and /127, that lie between host and gateway: the even address is the gateway's, the odd one
  /// the host's.
  package var ipv4: IPPrefix?
  package var ipv6: IPPrefix?
  package var mtu = 1500
  /// What the host sends this way.
  package var pools: [Pool]

  package init(name: String, nic: NICIndex, ipv4: IPPrefix?, ipv6: IPPrefix?, mtu: Int = 1500, pools: [Pool]) {
    (self.name, self.nic, self.ipv4, self.ipv6) = (name, nic, ipv4, ipv6)
    (self.mtu, self.pools) = (mtu, pools)
  }
}

/// An uplink that works.
package struct OpenUplink: Hashable, Sendable {
  package struct Pair: Hashable, Sendable {
    package let gateway: IPAddress
    package let host: IPAddress

    init(_ prefix: IPPrefix) {
      gateway = prefix.base
      host = IPAddress(high: prefix.base.high, low: prefix.base.low | 1)
    }
  }

  package let name: String
  package let nic: NICIndex
  /// The host's own.
  package let mac: MACAddress
  package let ipv4: Pair?
  /// `nil` also where the host has no IPv6; then `problems` says so.
  package let ipv6: Pair?
  /// Sentences for `status`.
  package let problems: [String]
  let routes: [Route]
}

/// Why a rack's uplink cannot be had: a sentence that says what to do. Nothing has been touched.
package struct UplinkRefusal: Error, Hashable, Sendable, CustomStringConvertible {
  package let message: String
  package var description: String { message }
}

/// Makes the interfaces by which the host reaches the rack, with their addresses and routes.
///
/// ## How it works
/// An uplink is a persistent TAP, like a NIC, in the daemon's own network namespace, with the mark
/// `toprack RACK uplink`. The host has the odd address of a block of two on it, and a route by the even one to every
/// pool. Our routes carry the protocol number 84 (`ip route show proto 84`), so that those that are no longer wanted
/// are found.
///
/// Before anything is made, all of it is looked at: a name that is somebody else's, and a block that overlaps what the
/// host has, refuse the start. The interface outlives the daemon, as NICs do, and the next start adopts it.
///
/// ## Threads
/// An actor on a thread of its own, since these system calls block.
package actor Uplinks {
  private let executor = BlockingExecutor(label: "toprack.uplinks")
  package nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe executor.asUnownedSerialExecutor()
  }

  /// Who made a route: "T". Not assigned in linux/rtnetlink.h nor /etc/iproute2/rt_protos.
  static let routeOwner: UInt8 = 0x54
  private static let patience = Duration.seconds(3)

  private let marks: OwnershipMarks
  private let plane: any NICPlane
  private let logger: Logger
  /// `nil` is the daemon's own; tests have others.
  private let namespace: String?
  private var requests: [UplinkRequest] = []
  private var opened: [OpenUplink] = []

  package init(rack: UUID, plane: any NICPlane, logger: Logger) {
    self.init(rack: rack, plane: plane, logger: logger, namespace: nil)
  }

  init(rack: UUID, plane: any NICPlane, logger: Logger, namespace: String?) {
    marks = OwnershipMarks(rack: rack)
    (self.plane, self.logger, self.namespace) = (plane, logger, namespace)
  }

  /// Brings the host's uplinks to what is wanted and attaches them to the forwarding plane. An uplink of this rack that
  /// is not wanted is removed.
  ///
  /// Throws `UplinkRefusal` before anything is touched, or `PortsFault`.
  package func open(_ requests: [UplinkRequest]) async throws -> [OpenUplink] {
    let links = try Links.list(in: namespace)
    let own = links.filter { marks.owned($0.alias) == .uplink }
    for request in requests { try mustBeOurs(request.name, links) }
    try mustBeFree(requests, links, try Routes.list(in: namespace), own)

    let deadline = ContinuousClock.now + Self.patience
    for link in own where !requests.contains(where: { $0.name == link.name }) {
      await remove(link.name, until: deadline)
    }
    self.requests = requests
    for request in requests {
      opened.append(try await open(request, isNew: !own.contains { $0.name == request.name }, until: deadline))
    }
    return opened
  }

  /// What has become of the uplinks since, and what the host has got in their way: sentences for `status`.
  package func problems() -> [String] {
    guard !opened.isEmpty else { return [] }
    do {
      let links = try Links.list(in: namespace)
      let routes = try Routes.list(in: namespace)
      let found = opened.flatMap { problems(of: $0, links, routes) }
      do {
        try mustBeFree(requests, links, routes, links.filter { marks.owned($0.alias) == .uplink })
        return found
      } catch let refusal as UplinkRefusal {
        return found + ["since the start: \(refusal.message)"]
      }
    } catch {
      return ["the uplinks cannot be looked at: \(error)"]
    }
  }

  private func problems(of uplink: OpenUplink, _ links: [Link], _ routes: [Route]) -> [String] {
    guard let link = links.first(where: { $0.name == uplink.name && marks.owned($0.alias) == .uplink }) else {
      return ["uplink \(uplink.name) is gone from the host: restart toprackd, which makes it again"]
    }
    guard link.isUp else {
      return ["uplink \(uplink.name) is down: restart toprackd, which sets it up with its routes"]
    }
    let missing = uplink.routes.filter { route in !routes.contains { Self.same($0, route) } }
    return uplink.problems
      + missing.map {
        "uplink \(uplink.name) lacks the route \($0.text(device: nil)): restart toprackd, which sets it"
      }
  }

  // MARK: Before anything is touched

  private func mustBeOurs(_ name: String, _ links: [Link]) throws(UplinkRefusal) {
    guard let link = links.first(where: { $0.name == name || $0.alternativeName == name }),
      marks.owned(link.alias) != .uplink
    else { return }
    if let rack = OwnershipMarks.rack(ofUplink: link.alias) {
      throw UplinkRefusal(
        message: "interface \(name) is the uplink of rack \(rack): choose another name with --uplink NAME, or none; "
          + "if that rack's daemon is gone for good, 'toprack cleanup' removes it")
    }
    throw UplinkRefusal(
      message: "\(place(name, namespace)) exists already and is not Toprack's: remove or rename it, "
        + "or choose another name with --uplink NAME, or none")
  }

  /// Throws about the first block of `requests` that the host has something else in. `own`: the rack's uplinks.
  private func mustBeFree(_ requests: [UplinkRequest], _ links: [Link], _ routes: [Route], _ own: [Link]) throws {
    let ours = Set(own.map(\.index))
    let devices = links.map {
      ($0.index, UplinkClash.Host.Device(name: $0.name, rack: OwnershipMarks.rack(ofUplink: $0.alias)))
    }
    let clash = UplinkClash(
      host: UplinkClash.Host(
        routes: routes.filter { !ours.contains($0.interface) },
        addresses: try Addresses.list(in: namespace).filter { !ours.contains($0.interface) },
        devices: Dictionary(uniqueKeysWithValues: devices)))
    for request in requests {
      for (pair, setting) in [(request.ipv4, "uplink-ipv4"), (request.ipv6, "uplink-ipv6")] {
        guard let pair, let text = clash.text(for: pair) else { continue }
        throw UplinkRefusal(
          message: "the block of uplink \(request.name), \(pair), overlaps \(text): choose another with \(setting) "
            + "in the settings, or no uplink with --uplink none")
      }
      for pool in request.pools {
        guard let text = clash.text(for: pool.prefix) else { continue }
        throw UplinkRefusal(
          message: "pool \(pool.kind) of \(pool.facility), \(pool.prefix), overlaps \(text): choose another range with "
            + "pools.\(pool.facility).\(pool.kind) in the settings")
      }
    }
  }

  // MARK: Making

  private func open(
    _ request: UplinkRequest, isNew: Bool, until deadline: ContinuousClock.Instant
  ) async throws -> OpenUplink {
    let name = request.name
    let tap: TAP
    do {
      tap = try await TAP.open(name, in: namespace, until: deadline)
    } catch let fault as PortsFault where fault.errno == EBUSY {
      throw UplinkRefusal(
        message: "\(place(name, namespace)) is this rack's uplink and another process holds it: stop that one first")
    }
    try Links.configure(
      name, in: namespace, mtu: request.mtu, queueLength: isNew ? TAP.queueLength : nil, alias: marks.uplinkMark)
    guard let link = try Links.list(in: namespace).first(where: { $0.name == name }) else {
      throw UplinkRefusal(message: "\(place(name, namespace)) was removed while it was made")
    }
    quiet(name)
    let (problems, routes) = try configure(request, interface: link.index)
    try tap.setPersistent(true)  // only now that it is marked and whole
    do {
      try await plane.attach(tap, as: request.nic, mtu: request.mtu)
    } catch {
      if isNew { try? TAP.open(name, in: namespace).remove() }
      throw error
    }
    logger.info(
      "uplink", metadata: ["interface": "\(name)", "is": isNew ? "made" : "adopted", "routes": "\(routes.count)"])
    return OpenUplink(
      name: name, nic: request.nic, mac: link.mac, ipv4: request.ipv4.map(OpenUplink.Pair.init),
      ipv6: problems.isEmpty ? request.ipv6.map(OpenUplink.Pair.init) : nil, problems: problems, routes: routes)
  }

  /// The interface listens to no router and waits for no duplicate: its other end is ours. None of it is needed, and
  /// none of it is allowed where /proc/sys is closed.
  private func quiet(_ name: String) {
    for (key, value) in [("disable_ipv6", "0"), ("accept_ra", "0"), ("dad_transmits", "0")] {
      do {
        try NetworkSysctl.set(.ipv6, name, key, value, in: namespace)
      } catch {
        logger.debug("\(error)")
      }
    }
  }

  /// Addresses, then up, then routes: a gateway must be reachable before a route by it is taken.
  private func configure(
    _ request: UplinkRequest, interface: Int
  ) throws -> (problems: [String], routes: [Route]) {
    let blocks = [request.ipv4, request.ipv6].compactMap(\.self)
    let present = try Addresses.list(in: namespace).filter { $0.interface == interface && !$0.isLinkLocal }
    // What an earlier setting left. Other lengths are not of ours.
    for address in present where address.prefix.depth == 127 && !blocks.contains(address.prefix) {
      try Addresses.remove(address, in: namespace)
    }
    try Links.setUp(request.name, true, in: namespace)
    var problems: [String] = []
    var gateways: [(pair: OpenUplink.Pair, isV4: Bool)] = []
    for block in blocks {
      let pair = OpenUplink.Pair(block)
      do throws(PortsFault) {
        try Addresses.set(pair.host, of: block, on: interface, in: namespace)
        gateways.append((pair, block.base.isV4))
      } catch {
        // EACCES: net.ipv6.conf.….disable_ipv6. The others: a kernel without it.
        guard !block.base.isV4, [EACCES, EOPNOTSUPP, EAFNOSUPPORT].contains(error.errno) else { throw error }
        problems.append(
          "servers and the host do not reach each other by IPv6, which is off on \(request.name): "
            + "sysctl -w net.ipv6.conf.\(request.name).disable_ipv6=0 and restart toprackd")
      }
    }
    return (problems, try route(request.pools.map(\.prefix), by: gateways, interface: interface))
  }

  private func route(
    _ pools: [IPPrefix], by gateways: [(pair: OpenUplink.Pair, isV4: Bool)], interface: Int
  ) throws(PortsFault) -> [Route] {
    let wanted = IPPrefix.minimal(pools).compactMap { prefix -> Route? in
      guard let pair = gateways.first(where: { $0.isV4 == prefix.base.isV4 })?.pair else { return nil }
      return Route(to: prefix, via: pair.gateway, interface: interface, source: pair.host, owner: Self.routeOwner)
    }
    let present = try Routes.list(in: namespace).filter {
      $0.interface == interface && $0.owner == Self.routeOwner && $0.table == .main
    }
    for route in present where !wanted.contains(where: { Self.same($0, route) }) {
      try Routes.remove(route, in: namespace)
    }
    for route in wanted where !present.contains(where: { Self.same($0, route) }) {
      try Routes.add(route, in: namespace)
    }
    return wanted
  }

  private static func same(_ one: Route, _ other: Route) -> Bool {
    one.destination == other.destination && one.gateway == other.gateway && one.interface == other.interface
      && one.source == other.source && one.owner == other.owner
  }

  private func remove(_ name: String, until deadline: ContinuousClock.Instant) async {
    do {
      try await TAP.open(name, in: namespace, until: deadline).remove()
      logger.info("uplink removed", metadata: ["interface": "\(name)"])
    } catch {
      logger.warning("uplink left behind", metadata: ["interface": "\(name)", "error": "\(error)"])
    }
  }
}
