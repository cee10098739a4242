// A mode that a server can be taken to, and in words what that would do. The rack itself says what (`ModeResult`), so
// that what is said before is what happens then.

import Net
import Rack

struct ModeChoice: Sendable {
  /// One thing that would be so.
  struct Consequence: Hashable, Sendable {
    let text: String
    /// What is not to be had back.
    let isLoss: Bool

    init(_ text: String, isLoss: Bool = false) { (self.text, self.isLoss) = (text, isLoss) }
  }

  let mode: NetworkMode
  /// The server is in it, and taking it there would change nothing.
  let isCurrent: Bool
  let consequences: [Consequence]
  /// Why it cannot be now; empty: it can.
  let refusal: [String]

  var isLoss: Bool { consequences.contains(where: \.isLoss) }

  init(_ mode: NetworkMode, of server: Server, in view: View) {
    let change = view.change(of: server, to: mode)
    self.mode = mode
    isCurrent = change.isCurrent
    refusal = change.refusal?.messages ?? []
    consequences = change.isPossible ? Self.consequences(of: change, server, view) : []
  }

  private static func consequences(of change: ModeResult, _ server: Server, _ view: View) -> [Consequence] {
    addresses(change.addresses) + [reach(from: server.layer, to: change.mode.layer)] + bond(change)
      + [networks(change.mode, server, view)]
      + [Consequence("The server’s operating system has to be told: the text is below, once converted.")]
  }

  private static func addresses(_ change: AddressChange) -> [Consequence] {
    var all: [Consequence] = []
    if !change.released.isEmpty {
      let words = Words.list(change.released.map(\.text))
      all.append(Consequence("Its addresses are lost for good: \(words).", isLoss: true))
    }
    if !change.unassigned.isEmpty {
      let words = Words.list(change.unassigned.map { "\($0.block)" })
      all.append(Consequence("Elastic blocks are unassigned: \(words).", isLoss: true))
    }
    if !change.given.isEmpty {
      let words = Words.list(change.given.map(\.kind.title))
      all.append(Consequence("It is given new addresses, not those that it had before: \(words)."))
    }
    return all
  }

  private static func reach(from old: Int, to new: Int) -> Consequence {
    switch (old, new) {
    case (3, 3): Consequence("It keeps its addresses and stays reachable by them.")
    case (3, 2): Consequence("It can be reached by its console only.", isLoss: true)
    case (2, 3): Consequence("It is reachable again by its addresses.")
    default: Consequence("It is still reachable by its console only.")
    }
  }

  private static func bond(_ change: ModeResult) -> [Consequence] {
    var all: [Consequence] = []
    let (leaving, joining) = (change.leaving.map(\.rawValue), change.joining.map(\.rawValue))
    if !leaving.isEmpty {
      all.append(
        Consequence(
          change.mode.members.isEmpty
            ? "The bond is taken apart: no LACP any more on eth0 and eth1."
            : "\(Words.list(leaving)) leaves the bond."))
    }
    if !joining.isEmpty {
      all.append(
        Consequence("\(Words.list(joining)) \(joining.count > 1 ? "join" : "joins") the bond, which speaks LACP."))
    }
    return all
  }

  private static func networks(_ mode: NetworkMode, _ server: Server, _ view: View) -> Consequence {
    guard !mode.switchedPorts.isEmpty else { return Consequence("No port takes VLANs.") }
    let words = mode.switchedPorts.map { name -> String in
      let numbers = view.attached(to: server[name], of: server).map { String($0.network.vxlan) }
      return numbers.isEmpty ? name.rawValue : "\(name.rawValue), which keeps \(Words.list(numbers))"
    }
    return Consequence("VLANs attach to \(Words.list(words)).")
  }

  var fields: Fields {
    [
      "word": mode.rawValue, "title": mode.title, "summary": mode.summary, "isCurrent": isCurrent,
      "consequences": consequences.map { ["text": $0.text, "isLoss": $0.isLoss] as Fields }, "isLoss": isLoss,
      "refusal": refusal, "isRefused": !refusal.isEmpty, "isPossible": refusal.isEmpty && !isCurrent,
    ]
  }
}
