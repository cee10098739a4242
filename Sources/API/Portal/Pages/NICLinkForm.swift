// What is set of a NIC's link, as a form: a value for each direction, and the cable.

import Impairments
import Rack

enum NICLinkForm {
  /// The rows of the form, each with a field for each direction.
  private static let rows: [(name: String, title: String, hint: String)] = [
    ("loss", "Loss", "1%"), ("delay", "Delay", "20ms"), ("jitter", "Jitter", "5ms"), ("reorder", "Reordered", "1%"),
    ("duplicate", "Duplicated", "0.1%"), ("corrupt", "Corrupted", "0.1%"), ("rate", "Rate", "100mbit"),
    ("seed", "Seed", "7"),
  ]

  static func fields(_ nic: PortName, of server: Server, _ visit: Visit) -> Fields {
    let link = server.links[nic]
    let values = Dictionary(
      uniqueKeysWithValues: LinkDirection.allCases.map { direction in
        (direction, Dictionary(uniqueKeysWithValues: link[direction].pairs.map { ($0.name, $0.text) }))
      })
    func value(_ direction: LinkDirection, _ name: String) -> String {
      visit.given("\(direction.member)_\(name)") ?? values[direction]?[name] ?? ""
    }
    return [
      "text": server.linkWords(nic), "isSet": !link.isSound || link != NICLink(), "isDown": link.isDown,
      "rows": rows.map { row -> Fields in
        [
          "name": row.name, "title": row.title, "hint": row.hint, "to": value(.toServer, row.name),
          "from": value(.fromServer, row.name),
        ]
      },
    ]
  }

  /// What the form says: all values, where an empty field is none. A seed is given on only when it is another one, since
  /// it begins its sequence anew.
  static func update(_ arguments: Arguments, of link: NICLink) throws(APIError) -> LinkUpdate {
    switch try arguments.string("action") {
    case "down": return LinkUpdate(isDown: true)
    case "up": return LinkUpdate(isDown: false)
    case "clear":
      return LinkUpdate(
        isDown: false, toServer: ImpairmentUpdate(startsOver: true), fromServer: ImpairmentUpdate(startsOver: true))
    case "set": break
    default: throw .invalid("action is missing; valid are set, clear, down and up")
    }
    var update = LinkUpdate()
    for direction in LinkDirection.allCases {
      let old = link[direction]
      var members: [JSON.Member] = [JSON.Member(name: "queue", value: .string(Measure.text(ofTime: old.queue)))]
      for row in rows {
        let text = try arguments.string("\(direction.member)_\(row.name)") ?? ""
        if !text.isEmpty { members.append(JSON.Member(name: row.name, value: .string(text))) }
      }
      var change = ImpairmentUpdate(startsOver: true)
      try change.read(.object(members), in: direction == .toServer ? "to the server" : "from the server")
      // All that it says, on top of a seed that is kept.
      if change.seed == old.seed, old.seed != nil {
        change.startsOver = false
        change.seed = nil
        change.fillUp()
      }
      if direction == .toServer { update.toServer = change } else { update.fromServer = change }
    }
    return update
  }
}

extension ImpairmentUpdate {
  /// What is not given is nothing.
  fileprivate mutating func fillUp() {
    (loss, duplicate) = (loss ?? .zero, duplicate ?? .zero)
    (reorder, corrupt) = (reorder ?? .zero, corrupt ?? .zero)
    (delay, jitter, rate) = (delay ?? 0, jitter ?? 0, rate ?? 0)
  }
}
