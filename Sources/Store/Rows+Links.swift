import GRDB
import Impairments
import Rack

/// Links of NICs and switches that have failed, in rows and back. A link that is sound has no row.
extension RowWriter {
  func write(_ links: ServerLinks, of server: ServerID) throws {
    try run("DELETE FROM link_down WHERE server = ?", [server.description])
    try run("DELETE FROM impairment WHERE server = ?", [server.description])
    for nic in PortName.nics {
      if links[nic].isDown {
        try run("INSERT INTO link_down (server, nic) VALUES (?, ?)", [server.description, nic.rawValue])
      }
      for direction in LinkDirection.allCases where links[nic][direction] != Impairment() {
        try write(links[nic][direction], direction, nic, of: server)
      }
    }
  }

  private func write(
    _ setting: Impairment, _ direction: LinkDirection, _ nic: PortName, of server: ServerID
  ) throws {
    try run(
      """
      INSERT INTO impairment
        (server, nic, direction, loss, duplicate, reorder, corrupt, delay, jitter, rate, queue, seed, series)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """,
      [
        server.description, nic.rawValue, direction.rawValue, Int(setting.loss.millionths),
        Int(setting.duplicate.millionths), Int(setting.reorder.millionths), Int(setting.corrupt.millionths),
        Int(setting.delay), Int(setting.jitter), Int(setting.rate), Int(setting.queue), setting.seed.map { Int($0) },
        Int(setting.series),
      ])
  }
}

extension RowReader {
  /// By identifier of the server; those that have sound links are left out.
  func links() throws -> [String: ServerLinks] {
    var links: [String: ServerLinks] = [:]
    try each("SELECT * FROM link_down") { row in
      links[try row.text("server"), default: ServerLinks()][try row.nic()].isDown = true
    }
    try each("SELECT * FROM impairment") { row in
      guard let direction = LinkDirection(rawValue: try row.text("direction")) else {
        throw BadColumn(name: "direction")
      }
      links[try row.text("server"), default: ServerLinks()][try row.nic()][direction] = try row.impairment()
    }
    return links
  }

  func failedSwitches() throws -> [Change] {
    var failed: [String: Set<RackSwitch>] = [:]
    try each("SELECT * FROM failed_switch") { row in
      guard let name = RackSwitch(rawValue: try row.text("switch")) else { throw BadColumn(name: "switch") }
      failed[try row.text("facility"), default: []].insert(name)
    }
    return failed.map { .failedSwitches(facility: $0.key, $0.value) }
  }
}

extension Row {
  fileprivate func nic() throws -> PortName {
    guard let nic = PortName(rawValue: try text("nic")), nic != .bond0 else { throw BadColumn(name: "nic") }
    return nic
  }

  /// A number from a file may be anything.
  private func natural(_ column: String) throws -> UInt64 {
    guard let number = UInt64(exactly: try integer(column)) else { throw BadColumn(name: column) }
    return number
  }

  private func fraction(_ column: String) throws -> Fraction {
    guard let millionths = UInt32(exactly: try integer(column)), let fraction = Fraction(millionths: millionths) else {
      throw BadColumn(name: column)
    }
    return fraction
  }

  fileprivate func impairment() throws -> Impairment {
    var setting = Impairment()
    (setting.loss, setting.duplicate) = (try fraction("loss"), try fraction("duplicate"))
    (setting.reorder, setting.corrupt) = (try fraction("reorder"), try fraction("corrupt"))
    (setting.delay, setting.jitter) = (try natural("delay"), try natural("jitter"))
    (setting.rate, setting.queue) = (try natural("rate"), try natural("queue"))
    let seed: Int? = self["seed"]
    if seed != nil { setting.seed = try natural("seed") }
    setting.series = UInt32(truncatingIfNeeded: try integer("series"))
    return setting
  }
}
