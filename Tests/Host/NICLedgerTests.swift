import Foundation
import Net
import Ports
import Rack
import Testing

@testable import Host

/// The machine and the database as they were last in agreement, and what can be done to them.
private struct World {
  var random: SeededGenerator
  var wanted: [NICLedger.Wanted] = []
  var found: [NICLedger.Found] = []
  /// Which interface is really which NIC: what nobody can see.
  var truth: [NICKey: NICLedger.Found] = [:]

  init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
    for number in 0..<Int.random(in: 2...5, using: &random) {
      let server = ServerID(UUID.random(using: &random))
      let isOnHost = number == 0
      let space =
        isOnHost ? Self.host : NamespaceIdentity(device: 4, inode: UInt64(100 + number), cookie: UInt64(number))
      for (index, nic) in PortName.nics.enumerated() {
        let interface = NICLedger.Found(
          space: space, namespace: isOnHost ? nil : "s\(number)", index: 2 + index,
          name: isOnHost ? "web-\(nic.rawValue)" : nic.rawValue, mark: .nic(server, nic))
        let key = NICKey(server, nic)
        wanted.append(
          NICLedger.Wanted(
            key: key, namespace: interface.namespace,
            place: NICLedger.Place(space: space, index: interface.index, name: interface.name)))
        found.append(interface)
        truth[key] = interface
      }
    }
  }

  static let host = NamespaceIdentity(device: 4, inode: 1, cookie: 1)

  mutating func change(_ key: NICKey, _ body: (inout NICLedger.Found) -> Void) {
    guard let old = truth[key], let place = found.firstIndex(of: old) else { return }
    body(&found[place])
    truth[key] = found[place]
  }

  mutating func remove(_ key: NICKey) {
    guard let old = truth[key] else { return }
    found.removeAll { $0 == old }
    truth[key] = nil
  }

  /// Something that root inside the server of `key` can do to its own interfaces.
  mutating func insideStep(_ key: NICKey) {
    let victim = wanted.randomElement(using: &random)!.key
    let ghost = OwnershipMarks.Owned.nic(ServerID(UUID.random(using: &random)), .eth0)
    switch Int.random(in: 0..<6, using: &random) {
    case 0: change(key) { $0.mark = nil }
    case 1: change(key) { $0.mark = .nic(victim.server, victim.nic) }
    case 2: change(key) { $0.mark = ghost }
    case 3: if truth[key]?.isOnHost == false { change(key) { $0.name = "lan\($0.index)" } }
    case 4: remove(key)
    default:
      // A TAP of its own with whatever alias, in its own namespace.
      guard let own = wanted.first(where: { $0.key == key }), own.namespace != nil, let place = own.place else {
        return
      }
      found.append(
        NICLedger.Found(
          space: place.space, namespace: own.namespace, index: 100 + found.count, name: "tap\(found.count)",
          mark: Bool.random(using: &random) ? .nic(victim.server, victim.nic) : ghost))
    }
  }
}

@Suite("Which interface is which NIC") struct NICLedgerTests {
  @Test(
    "whatever root inside of servers does, no server gets another's interface, and none that is a NIC is removed",
    arguments: UInt64(1)...400)
  func tenants(seed: UInt64) {
    var world = World(seed: seed)
    for _ in 0..<Int.random(in: 0...12, using: &world.random) {
      world.insideStep(world.wanted.randomElement(using: &world.random)!.key)
    }
    let ledger = NICLedger(world.wanted, world.found)
    for nic in world.wanted {
      let own = world.truth[nic.key]
      switch ledger.verdicts[nic.key]! {
      case .adopt(let interface):
        // Its own, or one that is of its own namespace in any case.
        #expect(interface == own || interface.namespace == nic.namespace && nic.namespace != nil, "seed \(seed)")
        #expect(interface.namespace == nic.namespace, "seed \(seed)")
      case .missing, .contested:
        #expect(own == nil, "seed \(seed): \(nic.key.nic) was there and is not found")
      }
    }
    let adopted = Set(ledger.verdicts.values.compactMap { if case .adopt(let found) = $0 { found } else { nil } })
    #expect(adopted.isDisjoint(with: ledger.strays), "seed \(seed)")
    for (key, interface) in world.truth where ledger.verdicts[key] == .adopt(interface) {
      #expect(!ledger.strays.contains(interface), "seed \(seed)")
    }
  }

  private static let a = NICKey(ServerID(UUID()), .eth0)
  private static let b = NICKey(ServerID(UUID()), .eth0)
  private static func space(_ number: UInt64) -> NamespaceIdentity {
    NamespaceIdentity(device: 4, inode: number, cookie: number)
  }
  private static func interface(
    _ space: UInt64, _ namespace: String?, _ name: String = "eth0", index: Int = 2, mark: NICKey? = nil
  ) -> NICLedger.Found {
    NICLedger.Found(
      space: self.space(space), namespace: namespace, index: index, name: name,
      mark: mark.map { .nic($0.server, $0.nic) })
  }
  private static func wanted(_ key: NICKey, _ namespace: String?, at space: UInt64?, index: Int = 2) -> NICLedger.Wanted
  {
    NICLedger.Wanted(
      key: key, namespace: namespace,
      place: space.map { NICLedger.Place(space: self.space($0), index: index, name: "eth0") })
  }

  @Test("one that was moved while nobody looked is adopted where only the host's administrator can have put it")
  func moved() {
    let found = Self.interface(9, "free", mark: Self.a)
    let wanted = [Self.wanted(Self.a, "a", at: 1), Self.wanted(Self.b, "b", at: 2)]
    #expect(NICLedger(wanted, [found]).verdicts[Self.a] == .adopt(found))
    let onHost = Self.interface(0, nil, "lan", mark: Self.a)
    #expect(NICLedger(wanted, [onHost]).verdicts[Self.a] == .adopt(onHost))
  }

  @Test("an alias in another server's namespace makes nothing of it, whatever has become of the NIC")
  func forged() {
    let forged = Self.interface(2, "b", "tap7", index: 7, mark: Self.a)
    let wanted = [Self.wanted(Self.a, "a", at: 1), Self.wanted(Self.b, "b", at: 2)]
    let ledger = NICLedger(wanted, [forged])
    #expect(ledger.verdicts[Self.a] == .missing)
    #expect(ledger.pretenders[Self.a] == [forged])
    #expect(ledger.strays == [])
    // Where the other server's NIC was moved to is its namespace too.
    let elsewhere = Self.interface(3, "free", "tap7", index: 7, mark: Self.a)
    #expect(NICLedger([wanted[0], Self.wanted(Self.b, "b", at: 3)], [elsewhere]).verdicts[Self.a] == .missing)
  }

  @Test("of two with its alias that are not at its place neither is adopted nor removed")
  func contested() {
    let claimants = [Self.interface(9, "free", mark: Self.a), Self.interface(2, "b", "tap7", index: 7, mark: Self.a)]
    let ledger = NICLedger([Self.wanted(Self.a, "a", at: 1), Self.wanted(Self.b, "b", at: 2)], claimants)
    #expect(ledger.verdicts[Self.a] == .contested(claimants))
    #expect(ledger.strays == [])
    let inPlace = Self.interface(1, "a", "renamed")
    #expect(
      NICLedger([Self.wanted(Self.a, "a", at: 1), Self.wanted(Self.b, "b", at: 2)], claimants + [inPlace]).verdicts[
        Self.a]
        == .adopt(inPlace), "the place decides, without any alias")
  }

  @Test("without a place it is adopted in its own namespace alone, and as the only one")
  func older() {
    let own = Self.interface(1, "a", "lan", mark: Self.a)
    let wanted = [Self.wanted(Self.a, "a", at: nil)]
    #expect(NICLedger(wanted, [own]).verdicts[Self.a] == .adopt(own))
    #expect(NICLedger(wanted, [Self.interface(9, "free", mark: Self.a)]).verdicts[Self.a] == .missing)
    let two = [own, Self.interface(9, "free", mark: Self.a)]
    #expect(NICLedger(wanted, two).verdicts[Self.a] == .contested(two))
    #expect(NICLedger(wanted, []).verdicts[Self.a] == .missing)
  }

  @Test(
    "on the host the index alone does not make an interface a NIC; a namespace of the same inode is another by its cookie"
  )
  func sameNumbers() {
    let onHost = [Self.wanted(Self.a, nil, at: 0)]
    #expect(NICLedger(onHost, [Self.interface(0, nil, "vpn")]).verdicts[Self.a] == .missing)
    #expect(NICLedger(onHost, [Self.interface(0, nil, "vpn", mark: Self.a)]).verdicts[Self.a] != .missing)
    var other = Self.interface(1, "a")
    other.space.cookie = 77
    #expect(NICLedger([Self.wanted(Self.a, "a", at: 1)], [other]).verdicts[Self.a] == .missing)
    var temporary = Self.interface(1, "a")
    temporary.isPersistentTAP = false
    #expect(NICLedger([Self.wanted(Self.a, "a", at: 1)], [temporary]).verdicts[Self.a] == .missing)
  }

  @Test("an interface of a server that does not exist is a stray, unless it is a NIC by its place")
  func strays() {
    let ghost = NICKey(ServerID(UUID()), .eth0)
    let stray = Self.interface(9, "free", mark: ghost)
    let forged = Self.interface(1, "a", mark: ghost)
    let ledger = NICLedger([Self.wanted(Self.a, "a", at: 1)], [stray, forged])
    #expect(ledger.strays == [stray])
    #expect(ledger.verdicts[Self.a] == .adopt(forged))
  }
}

extension UUID {
  fileprivate static func random(using random: inout some RandomNumberGenerator) -> UUID {
    let (a, b) = (UInt64.random(in: .min ... .max, using: &random), UInt64.random(in: .min ... .max, using: &random))
    func byte(_ value: UInt64, _ place: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: value >> (8 * place)) }
    return UUID(
      uuid: (
        byte(a, 0), byte(a, 1), byte(a, 2), byte(a, 3), byte(a, 4), byte(a, 5), byte(a, 6), byte(a, 7), byte(b, 0),
        byte(b, 1), byte(b, 2), byte(b, 3), byte(b, 4), byte(b, 5), byte(b, 6), byte(b, 7)
      ))
  }
}
