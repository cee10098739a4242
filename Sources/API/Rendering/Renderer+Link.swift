// Links of NICs: what is set of them, and what is wrong with them.

import Impairments
import Rack

extension Renderer {
  /// One direction, as it stands in the list of links.
  func link(_ nic: PortName, _ direction: LinkDirection, of server: Server) -> JSON {
    let setting = server.links[nic][direction]
    return [
      "server": .string(server.hostname), "nic": .string(nic.rawValue), "direction": .string(direction.rawValue),
      "loss": .plain(setting.loss.value), "delay_ms": .milliseconds(setting.delay),
      "jitter_ms": .milliseconds(setting.jitter), "reorder": .plain(setting.reorder.value),
      "duplicate": .plain(setting.duplicate.value), "corrupt": .plain(setting.corrupt.value),
      "rate_bps": setting.rate == 0 ? nil : .integer(Int(setting.rate)),
      "seed": setting.seed.map { .integer(Int($0)) } ?? .null,
      "state": .string(server.isCut(nic) ? "down" : "up"),
    ]
  }

  /// The whole link of one NIC.
  func link(_ nic: PortName, of server: Server) -> JSON {
    let link = server.links[nic]
    return [
      "server": .string(server.hostname), "server_id": server.id.json, "project": projectName(of: server.id),
      "nic": .string(nic.rawValue), "state": .string(server.isCut(nic) ? "down" : "up"),
      "down": .boolean(link.isDown), "switch_failed": .boolean(server.failedSwitches.contains { $0.nic == nic }),
      "to_server": Self.impairment(link.toServer), "from_server": Self.impairment(link.fromServer),
      "text": .string(server.linkWords(nic)),
    ]
  }

  private static func impairment(_ setting: Impairment) -> JSON {
    [
      "loss": .plain(setting.loss.value), "delay_ms": .milliseconds(setting.delay),
      "jitter_ms": .milliseconds(setting.jitter), "reorder": .plain(setting.reorder.value),
      "duplicate": .plain(setting.duplicate.value), "corrupt": .plain(setting.corrupt.value),
      "rate_bps": setting.rate == 0 ? nil : .integer(Int(setting.rate)), "queue_ms": .milliseconds(setting.queue),
      "seed": setting.seed.map { .integer(Int($0)) } ?? .null,
    ]
  }
}

extension Server {
  /// The link of a NIC is set down, or its switch has failed.
  func isCut(_ nic: PortName) -> Bool { links[nic].isDown || failedSwitches.contains { $0.nic == nic } }

  /// What is wrong with the link of a NIC, in words; empty: nothing is.
  func linkWords(_ nic: PortName) -> String {
    let failed = failedSwitches.first { $0.nic == nic }.map { "switch \($0.rawValue) of \(facility) has failed" }
    return [failed, links[nic].words].compactMap { $0?.isEmpty == false ? $0 : nil }.joined(separator: "; ")
  }
}

extension JSON {
  /// Without a point where it is a whole number.
  fileprivate static func plain(_ value: Double) -> JSON { Int(exactly: value).map(JSON.integer) ?? .number(value) }

  fileprivate static func milliseconds(_ nanoseconds: UInt64) -> JSON { .plain(Double(nanoseconds) / 1_000_000) }
}
