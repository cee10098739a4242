// A mode that a server can be taken to, and what that would do: asked of the rack's own rules, on a copy, so that what is said
// before is what happens then.

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
    self.mode = mode
    do {
      let outcome = try view.preview(.setMode(server.id, mode))
      var after: Server?
      for case .server(let new, replacing: _) in outcome.changes { after = new }
      isCurrent = after == nil
      refusal = []
      consequences = after.map { Self.consequences(of: server, becoming: $0, in: view) } ?? []
    } catch {
      (isCurrent, consequences, refusal) = (false, [], APIError(error).messages)
    }
  }

  private static func consequences(of old: Server, becoming new: Server, in view: View) -> [Consequence] {
    addresses(old, new) + bond(old, new) + networks(new, view)
      + [Consequence("The server’s operating system has to be told: the text is below, once converted.")]
  }

  private static func addresses(_ old: Server, _ new: Server) -> [Consequence] {
    var all: [Consequence] = []
    let lost = old.addresses.filter { !new.addresses.contains($0) }
    if !lost.isEmpty {
      all.append(
        Consequence(
          "Its addresses are lost for good: \(Words.list(lost.map { "\($0.address)/\($0.network.length)" })).",
          isLoss: true))
    }
    let unassigned = old.blocks.filter { !new.blocks.contains($0) }
    if !unassigned.isEmpty {
      all.append(
        Consequence("Elastic blocks are unassigned: \(Words.list(unassigned.map { "\($0.block)" })).", isLoss: true))
    }
    let given = new.addresses.filter { !old.addresses.contains($0) }
    if !given.isEmpty {
      all.append(
        Consequence(
          "It is given new addresses, not those that it had before: \(Words.list(given.map(\.kind.title)))."))
    }
    switch (old.layer, new.layer) {
    case (3, 3): all.append(Consequence("It keeps its addresses and stays reachable by them."))
    case (3, 2): all.append(Consequence("It can be reached by its console only.", isLoss: true))
    case (2, 3): all.append(Consequence("It is reachable again by its addresses."))
    default: all.append(Consequence("It is still reachable by its console only."))
    }
    return all
  }

  private static func bond(_ old: Server, _ new: Server) -> [Consequence] {
    var all: [Consequence] = []
    let leaving = old.members.filter { !new.members.contains($0) }.map(\.rawValue)
    let joining = new.members.filter { !old.members.contains($0) }.map(\.rawValue)
    if !leaving.isEmpty {
      all.append(
        Consequence(
          new.members.isEmpty
            ? "The bond is taken apart: no LACP any more on eth0 and eth1."
            : "\(Words.list(leaving)) leaves the bond."))
    }
    if !joining.isEmpty {
      all.append(
        Consequence("\(Words.list(joining)) \(joining.count > 1 ? "join" : "joins") the bond, which speaks LACP."))
    }
    return all
  }

  private static func networks(_ new: Server, _ view: View) -> [Consequence] {
    let ports = new.mode.switchedPorts
    guard !ports.isEmpty else { return [Consequence("No port takes VLANs.")] }
    let words = ports.map { name -> String in
      let numbers = view.attached(to: new[name], of: new).map { String($0.network.vxlan) }
      return numbers.isEmpty ? name.rawValue : "\(name.rawValue), which keeps \(Words.list(numbers))"
    }
    return [Consequence("VLANs attach to \(Words.list(words)).")]
  }

  var fields: Fields {
    [
      "word": mode.rawValue, "title": mode.title, "summary": mode.summary, "isCurrent": isCurrent,
      "consequences": consequences.map { ["text": $0.text, "isLoss": $0.isLoss] as Fields }, "isLoss": isLoss,
      "refusal": refusal, "isRefused": !refusal.isEmpty, "isPossible": refusal.isEmpty && !isCurrent,
    ]
  }
}
