import Net
import Switching
import Wire

/// What the gateway keeps of one routed interface.
struct Interface {
  /// A packet that waits for its neighbour's MAC address.
  struct Waiting {
    /// Virtio header and frame, complete but for the destination MAC.
    var bytes: [UInt8]
    /// Where it came from: who hears that it could not be delivered, and where that is counted.
    var ingress: PortIndex
    var nic: NICIndex
    /// Larger than the MTU of this interface, and may be cut.
    var isToBeCut = false
    /// Made by the gateway: nobody has to hear what becomes of it.
    var isOurs = false
  }

  /// One link, and the neighbour at its other end.
  struct Slot {
    /// What the worker was told last; nil: that it has to ask.
    struct Told: Equatable {
      var mac: MACAddress
      var isStale: Bool
    }

    var machine = NeighbourMachine()
    /// Only in INCOMPLETE; at most `Gateway.waitingLimit`, the oldest first.
    var waiting: [Waiting] = []
    var told: Told?
    /// When our address on this link was defended last.
    var defended: UInt64?

    var toTell: Told? { machine.mac.map { Told(mac: $0, isStale: machine.isStale) } }
  }

  var configuration: RoutedInterface
  /// In step with `configuration.links`.
  var slots: [Slot]
  var advertiser = RouterAdvertiser()
  var errors: TokenBucket
  /// Of `errors`, what it may send whatever the others have used up.
  var promisedErrors: TokenBucket
  var echoes: TokenBucket
  /// DHCP and router solicitations.
  var requests: TokenBucket

  init(_ configuration: RoutedInterface, at now: UInt64) {
    self.configuration = configuration
    slots = configuration.links.map { _ in Slot() }
    errors = TokenBucket(rate: 50, burst: 20, at: now)
    promisedErrors = TokenBucket(rate: 5, burst: 5, at: now)
    echoes = TokenBucket(rate: 2_000, burst: 500, at: now)
    requests = TokenBucket(rate: 10, burst: 10, at: now)
  }

  var deadline: UInt64? {
    var earliest = advertiser.deadline
    for slot in slots {
      guard let due = slot.machine.deadline else { continue }
      earliest = min(earliest ?? due, due)
    }
    return earliest
  }
}

extension RoutedInterface {
  /// Of the metadata service, which a server reaches as if it were on its link. Source: metal-api.md 10.
  static let metadataAddress = IPAddress(v4: 0xA9FE_A9FE)

  /// Router advertisements are for servers, and only where there is something to route.
  var advertises: Bool { kind == .server && links.contains { !$0.host.isV4 } }
  var linkLocal: IPAddress { .linkLocal(mac) }

  /// Which link has `host` at its other end.
  func slot(ofHost host: IPAddress) -> Int? { links.firstIndex { $0.host == host } }
  /// Which link has the address `gateway` on our end.
  func slot(ofGateway gateway: IPAddress) -> Int? { links.firstIndex { $0.gateway == gateway } }

  /// Which link's host takes what is for `address`: the host itself, one with a block that is routed to it, or on the
  /// way out whatever there is. Which gateway address speaks to it follows from that: private to private, public to
  /// public and elastic.
  func slot(towards address: IPAddress) -> Int? {
    if let slot = slot(ofHost: address) { return slot }
    if let block = blocks.first(where: { $0.prefix.contains(address) }), links.indices.contains(block.link) {
      return block.link
    }
    return kind == .uplink ? links.firstIndex { $0.host.isV4 == address.isV4 } : nil
  }

  /// Whether a server may have this address: what it calls itself in ARP and neighbour discovery. One with an elastic
  /// block uses an address of it there too (Linux with arp_announce 0).
  func isHosts(_ address: IPAddress) -> Bool {
    slot(ofHost: address) != nil || blocks.contains { $0.prefix.contains(address) }
  }
}
