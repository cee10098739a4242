import Ports
import Rack

/// Which interface of the machine is which NIC, at a start: a pure function of what the database says and what was
/// found.
///
/// ## How it works
/// A NIC is known by its place: network namespace, index in it, and name, which the database keeps and which somebody
/// inside cannot write. The alias is a hint, because root in the server's namespace can set it to whatever it likes.
///
/// 1. The interface at the place is the NIC, whatever its alias says. The index decides; on the host, where others make
///    interfaces too, the name or the alias must agree with it.
/// 2. Where nothing is at the place, the NIC may have been moved while no daemon ran. An interface with its alias is
///    the NIC if it is the only one in the machine, is no other NIC by its place, and is where no other server's NICs
///    are: on the host, or in a namespace that only the host's administrator has to do with.
/// 3. Several with its alias: none of them is the NIC, and none is made until somebody decides.
/// 4. Only such as are where another server's NICs are: somebody there has written a name that is not theirs. The NIC
///    is missing, and made again.
///
/// A place of another run of the machine counts for nothing. A NIC without one (of an older database, or of this
/// machine started again) is looked for by rule 2, in its own namespace alone.
///
/// An interface with the alias of a NIC whose server does not exist, and which is no NIC by its place, is a stray: a
/// daemon was killed between making it and committing. It may be removed: whoever has forged that has forged it on an
/// interface of his own.
package struct NICLedger {
  /// An interface, once, however many names its namespace has.
  package struct Found: Hashable {
    package var space: NamespaceIdentity
    /// `nil`: the host's.
    package var namespace: String?
    /// The namespace has no name in /run/netns.
    package var isNameless = false
    package var index: Int
    package var name: String
    /// A TAP that outlives its daemon, as ours are.
    package var isPersistentTAP = true
    package var mark: OwnershipMarks.Owned?

    package var isOnHost: Bool { namespace == nil }
  }

  package struct Wanted: Hashable {
    package var key: NICKey
    /// The server's own namespace; `nil` is the host.
    package var namespace: String?
    /// Of this run of the machine.
    package var place: Place?
  }

  package struct Place: Hashable {
    package var space: NamespaceIdentity
    package var index: Int
    package var name: String
  }

  package enum Verdict: Hashable {
    case adopt(Found)
    /// To be made.
    case missing
    /// Several claim to be it; nobody is.
    case contested([Found])
  }

  private(set) var verdicts: [NICKey: Verdict] = [:]
  /// To be removed.
  private(set) var strays: [Found] = []
  /// Interfaces with the alias of a NIC that is another one or missing. They are left alone.
  private(set) var pretenders: [NICKey: [Found]] = [:]

  package init(_ wanted: [Wanted], _ found: [Found]) {
    let taps = found.filter(\.isPersistentTAP)
    let bySpot = Dictionary(taps.map { (Spot($0.space, $0.index), $0) }, uniquingKeysWith: { first, _ in first })
    var claims: [NICKey: [Found]] = [:]
    for interface in taps {
      if case .nic(let server, let nic) = interface.mark { claims[NICKey(server, nic), default: []].append(interface) }
    }

    var taken: Set<Found> = []
    for nic in wanted {
      guard let place = nic.place, let interface = bySpot[Spot(place.space, place.index)],
        interface.space.isSame(as: place.space), !taken.contains(interface),
        !interface.isOnHost || interface.name == place.name
          || interface.mark == .nic(nic.key.server, nic.key.nic)
      else { continue }
      taken.insert(interface)
      verdicts[nic.key] = .adopt(interface)
    }

    let homes = Dictionary(grouping: wanted, by: \.namespace).mapValues { Set($0.map(\.key.server)) }
    for nic in wanted where verdicts[nic.key] == nil {
      let claimants = claims[nic.key, default: []]
      let eligible = claimants.filter { interface in
        !taken.contains(interface) && Self.mayBe(interface, nic, homes, wanted)
      }
      if claimants.count == 1, eligible.count == 1 {
        verdicts[nic.key] = .adopt(eligible[0])
        taken.insert(eligible[0])
      } else {
        verdicts[nic.key] = eligible.isEmpty ? .missing : .contested(claimants)
      }
    }

    let known = Set(wanted.map(\.key.server))
    for (key, interfaces) in claims {
      for interface in interfaces where verdicts[key] != .adopt(interface) {
        if !known.contains(key.server) {
          if !taken.contains(interface) { strays.append(interface) }
        } else if case .contested = verdicts[key] {
          continue
        } else {
          pretenders[key, default: []].append(interface)
        }
      }
    }
  }

  private struct Spot: Hashable {
    let device: UInt64, inode: UInt64, index: Int
    init(_ space: NamespaceIdentity, _ index: Int) {
      (device, inode, self.index) = (space.device, space.inode, index)
    }
  }

  /// Rule 2: whether nobody but the host's administrator, or the server's own, can have put it there.
  private static func mayBe(
    _ interface: Found, _ nic: Wanted, _ homes: [String?: Set<ServerID>], _ wanted: [Wanted]
  ) -> Bool {
    if interface.isNameless { return false }
    if interface.namespace == nic.namespace { return true }
    guard nic.place != nil else { return false }
    if interface.isOnHost { return true }
    guard homes[interface.namespace, default: []].isEmpty else { return false }
    return !wanted.contains { $0.key.server != nic.key.server && $0.place?.space.isSame(as: interface.space) == true }
  }
}
