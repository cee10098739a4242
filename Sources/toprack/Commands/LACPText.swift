// LACP for people.

enum LACPText {
  /// A block for each server, with an empty line between two.
  static func blocks(_ members: [LACPMember]) -> String {
    var servers: [String] = []
    for member in members where servers.last != member.serverId { servers.append(member.serverId) }
    let labels = ServerLabels(members.map { ($0.server, $0.serverId) })
    return servers.map { server in
      let own = members.filter { $0.serverId == server }
      return block(own, labels.label(own[0].server, own[0].project))
    }.joined(separator: "\n\n")
  }

  /// Our side in a line, a row for each link, and a line for each that has a problem. `members` are one server's.
  private static func block(_ members: [LACPMember], _ server: String) -> String {
    let first = members[0]
    let rate = first.actorState.contains("timeout") ? "fast" : "slow"
    let heading = "\(server) bond0: system \(first.actorSystem), key \(first.actorKey), \(rate) rate"
    var table = Table(
      "PORT", "LINK", "CARRIES", "MUX", "PARTNER", "KEY", "NUMBER", "STATE", "IN", "OUT", "HEARD")
    for member in members {
      table.add(
        member.port, member.linkUp ? "up" : "down", carrying(member), member.muxState, member.partnerSystem ?? "-",
        member.partnerKey.map(String.init) ?? "-", member.partnerPort.map(String.init) ?? "-",
        member.partnerState.map(letters) ?? "-", "\(member.counters.lacpdusReceived)",
        "\(member.counters.lacpdusSent)", member.lastLacpduMs.map(time) ?? "-")
    }
    let problems = members.compactMap { member in member.problem.map { "\(server) \(member.port): \($0)" } }
    return ([heading, table.text] + problems).joined(separator: "\n")
  }

  private static func carrying(_ member: LACPMember) -> String {
    if member.fallback { return "alone" }
    switch (member.collecting, member.distributing) {
    case (true, true): return "in, out"
    case (true, false): return "in"
    case (false, true): return "out"
    case (false, false): return "no"
    }
  }

  /// A letter for each bit in its place, `-` for one that is not set: "A-GSCD--".
  private static func letters(_ state: [String]) -> String {
    let bits = [
      ("activity", "A"), ("timeout", "T"), ("aggregation", "G"), ("synchronization", "S"), ("collecting", "C"),
      ("distributing", "D"), ("defaulted", "F"), ("expired", "E"),
    ]
    return bits.map { name, letter in state.contains(name) ? letter : "-" }.joined()
  }

  /// "0.4 s", "27 s".
  private static func time(_ milliseconds: Int) -> String {
    milliseconds < 10_000 ? "\(milliseconds / 1_000).\(milliseconds / 100 % 10) s" : "\(milliseconds / 1_000) s"
  }
}
