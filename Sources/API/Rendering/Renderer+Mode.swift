// What a change of mode does, before and afterwards: the rack's own answer, written down.

import Rack

extension Renderer {
  func mode(_ change: ModeResult) -> JSON {
    let names = { (ports: [PortName]) in JSON.list(ports.map(\.rawValue)) }
    let displaced = change.displaced.map { displaced -> JSON in
      [
        "port": .string(displaced.port.rawValue),
        "virtual_networks": .array(
          displaced.networks.compactMap { rack.networks[$0] }.map { ["id": $0.id.json, "vxlan": .integer($0.vxlan)] }),
      ]
    }
    let verdict: JSON = [
      "mode": .string(change.mode.rawValue), "current": .boolean(change.isCurrent),
      "possible": .boolean(change.isPossible), "refusal": .list(change.refusal?.messages ?? []),
    ]
    return verdict.adding(change.addresses).adding(
      ("leaving", names(change.leaving)), ("joining", names(change.joining)), ("displaced", .array(displaced)))
  }
}

extension JSON {
  /// Which addresses are given back for good, which elastic blocks are unassigned, and which addresses are new.
  func adding(_ change: AddressChange) -> JSON {
    adding(
      ("released", .list(change.released.map(\.text))), ("unassigned", .list(change.unassigned.map { "\($0.block)" })),
      ("given", .list(change.given.map(\.text))))
  }
}
