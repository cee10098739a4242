public import Net
public import Switching

/// The worker's half of the gateway: forwarding by address.
///
/// ## How it works
/// A frame that came in by a routed port is judged by `route` (Router+Route.swift): is it for the gateway's MAC
/// address, is its IP header sound, may its sender use this source, where does its destination live. What can be
/// forwarded is made ready in place (MAC addresses, TTL, checksum; an offload's virtio header stays as it is) and goes
/// to its neighbour's port. Everything that needs an answer, a clock or a buffer goes to the slow path's `Gateway`:
/// ARP, neighbour discovery, DHCP, what is addressed to the gateway, what deserves an ICMP error, what has to be
/// fragmented, what waits for a neighbour.
///
/// An interface has at most four neighbours, known from its program; only their MAC addresses are learned, by the slow
/// path, which says so by `setNeighbour`. So the tables grow with servers, never with traffic.
///
/// ## Invariants
/// 1. The routing table has: each host's and each gateway's address, each elastic block, each pool. Nothing else.
/// 2. A neighbour's MAC address is known only while its interface is there.
///
/// ## Threads
/// One owner, a worker. `route` neither allocates, locks nor counts references: `HotPathProof.swift`.
@safe public struct Router: ~Copyable {
  /// What `route` needs of an interface.
  @usableFromInline struct Entry: BitwiseCopyable {
    /// 0: no interface; else `RoutedInterface.Kind.rawValue` plus one.
    @usableFromInline var kind: UInt8 = 0
    /// Place of the first link of each family, public before private; −1: none.
    @usableFromInline var slot4: Int8 = -1
    @usableFromInline var slot6: Int8 = -1
    @usableFromInline var mtu: Int32 = 0
    @usableFromInline var exit: UInt16 = 0
    @usableFromInline var mac: UInt64 = 0
    /// The hosts' IPv4 addresses, 0: none: sources that need no look-up.
    @usableFromInline var hosts4: (UInt32, UInt32) = (0, 0)
    /// The host's IPv6 address, zero: none.
    @usableFromInline var host6 = IPAddress(high: 0, low: 0)
    /// Ours: fe80::/64 and the MAC address as a modified EUI-64 (RFC 4291 2.5.1).
    @usableFromInline var linkLocal = IPAddress(high: 0, low: 0)
    @usableFromInline init() {}
  }

  @usableFromInline var routes = RoutingTable()
  @usableFromInline let entries: UnsafeMutablePointer<Entry>
  /// By `Neighbour.index`: MAC address, and the two bits below.
  @usableFromInline let neighbours: UnsafeMutablePointer<UInt64>
  @usableFromInline static var known: UInt64 { 1 << 48 }
  /// The slow path wants to hear of the next use.
  @usableFromInline static var watched: UInt64 { 1 << 49 }
  let portLimit: Int
  private var programs: [PortIndex: RoutedInterface] = [:]
  private var pools: [IPPrefix] = []

  public init(portLimit: Int) {
    self.portLimit = portLimit
    unsafe entries = .allocate(capacity: portLimit)
    unsafe entries.initialize(repeating: Entry(), count: portLimit)
    unsafe neighbours = .allocate(capacity: portLimit * RoutedInterface.linkLimit)
    unsafe neighbours.initialize(repeating: 0, count: portLimit * RoutedInterface.linkLimit)
  }

  deinit {
    unsafe entries.deallocate()
    unsafe neighbours.deallocate()
  }

  /// Routes in the table.
  public var routeCount: Int { routes.count }

  // MARK: Changes

  /// Applies one transaction. Called between two batches, so that a packet sees all of it or nothing.
  public mutating func apply(_ change: borrowing RoutingChange) {
    if let wanted = change.pools {
      for pool in pools { routes.remove(pool) }
      pools = wanted
    }
    // First everybody leaves, then everybody comes: an address can change hands within one transaction.
    for (port, program) in change.interfaces { leave(port, for: program) }
    for (port, program) in change.interfaces { if let program { enter(port, program) } }
    // Last, and never over a host's route: a pool of one address is that address.
    if change.pools != nil {
      for pool in pools where routes.target(of: pool) == nil { routes.insert(pool, .unassigned) }
    }
  }

  /// What the slow path has learned: frames to `neighbour` go to `mac`; nil: they go to the slow path. `watched`: it
  /// wants to hear of the next use. Of an interface that is not there any more: the word came late, and is nothing.
  public mutating func setNeighbour(_ neighbour: Neighbour, _ mac: MACAddress?, watched: Bool) {
    guard let program = programs[neighbour.port], neighbour.slot < program.links.count else { return }
    unsafe neighbours[neighbour.index] = mac.map { $0.value | Self.known | (watched ? Self.watched : 0) } ?? 0
  }

  /// Nobody has heard that `neighbour` was used: its next use is to be told again.
  public mutating func watch(_ neighbour: Neighbour) {
    guard unsafe neighbours[neighbour.index] & Self.known != 0 else { return }
    unsafe neighbours[neighbour.index] |= Self.watched
  }

  /// Packets of `mtu` bytes fit the interface of `port`, whatever its program said; nothing where there is none.
  public mutating func setMTU(_ mtu: Int, of port: PortIndex) {
    guard unsafe entries[port.value].kind != 0 else { return }
    unsafe entries[port.value].mtu = Int32(clamping: mtu)
  }

  /// What `setMTU` or the program has said; 0 where there is no interface.
  public borrowing func mtu(of port: PortIndex) -> Int { unsafe Int(entries[port.value].mtu) }

  private mutating func leave(_ port: PortIndex, for next: RoutedInterface?) {
    guard let old = programs.removeValue(forKey: port) else { return }
    for link in old.links {
      routes.remove(IPPrefix(link.gateway))
      routes.remove(IPPrefix(link.host))
    }
    for block in old.blocks { routes.remove(block.prefix) }
    unsafe entries[port.value] = Entry()
    for (slot, link) in old.links.enumerated() {
      // What is known of a host holds on while its link stays the same.
      let isKept = next.map { slot < $0.links.count && $0.links[slot] == link && $0.mac == old.mac } ?? false
      if !isKept { unsafe neighbours[Neighbour(port: port, slot: slot).index] = 0 }
    }
  }

  private mutating func enter(_ port: PortIndex, _ program: RoutedInterface) {
    precondition(port.value < portLimit && program.links.count <= RoutedInterface.linkLimit)
    programs[port] = program
    var entry = Entry()
    entry.kind = program.kind.rawValue + 1
    entry.mtu = Int32(program.mtu)
    entry.exit = UInt16(program.exit?.value ?? 0)
    entry.mac = program.mac.value
    entry.linkLocal = IPAddress(linkLocalOf: program.mac)
    for (slot, link) in program.links.enumerated() {
      let neighbour = Neighbour(port: port, slot: slot)
      routes.insert(IPPrefix(link.gateway), .local)
      routes.insert(IPPrefix(link.host), .neighbour(Int32(neighbour.index)))
      if link.host.isV4 {
        if entry.slot4 < 0 || link.isPublic { entry.slot4 = Int8(slot) }
        if entry.hosts4.0 == 0 { entry.hosts4.0 = link.host.v4 } else { entry.hosts4.1 = link.host.v4 }
      } else {
        entry.slot6 = Int8(slot)
        entry.host6 = link.host
      }
    }
    for block in program.blocks {
      routes.insert(block.prefix, .neighbour(Int32(Neighbour(port: port, slot: block.link).index)))
    }
    unsafe entries[port.value] = entry
  }
}

extension RoutingTable {
  /// What exactly this prefix says; nil when it is not in the table.
  borrowing func target(of prefix: IPPrefix) -> Target? {
    let index = probe(prefix.base, prefix.depth)
    return index < 0 ? nil : unsafe Self.decode(slots[index].target)
  }
}

extension IPAddress {
  /// fe80::/64 with the modified EUI-64 of `mac`: RFC 4291 2.5.1, appendix A.
  public init(linkLocalOf mac: MACAddress) {
    let upper = (mac.value >> 24) ^ 0x02_0000
    self.init(high: 0xFE80 << 48, low: upper << 40 | 0xFF_FE00_0000 | mac.value & 0xFF_FFFF)
  }
}
