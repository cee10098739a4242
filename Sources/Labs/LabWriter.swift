import Rack

/// Writes a lab file, for people: keys in the order of the table, what is small in one line, servers and checks that
/// differ only by number as a range. `LabReader` reads the same file from it.
public enum LabWriter {
  /// - Parameter schema: where editors find the JSON Schema; `nil`: the text does not say.
  public static func yaml(_ file: LabFile, schema: String? = nil) -> String {
    var members: [(String, LabText)] = [("lab", .text(file.name))]
    members.add("project", file.project)
    let defaults = defaults(file.defaults)
    if !defaults.isEmpty { members.append(("defaults", .map(defaults))) }
    let networks = file.networks.map { ($0.name, LabText.map(network($0.value))) }
    if !networks.isEmpty { members.append(("networks", .lines(networks))) }
    let servers = folded(file.servers).map { ($0.name, LabText.map(server($0.value))) }
    if !servers.isEmpty { members.append(("servers", .lines(servers))) }
    let addresses = file.addresses.map { ($0.name, LabText.map(addressBlock($0.value))) }
    if !addresses.isEmpty { members.append(("addresses", .lines(addresses))) }
    let checks = folded(file.checks).map { LabText.map($0) }
    if !checks.isEmpty { members.append(("checks", .items(checks))) }
    let first = schema.map { "# yaml-language-server: $schema=\($0.visibleInLine)\n" } ?? ""
    return first + LabText.document(members)
  }

  // MARK: What there is

  private static func defaults(_ defaults: LabDefaults) -> [(String, LabText)] {
    var members: [(String, LabText)] = []
    members.add("facility", defaults.facility)
    members.add("plan", defaults.plan)
    members.add("place", defaults.place.map(text))
    members.add("project", defaults.project)
    members.add("os", defaults.os)
    return members
  }

  private static func network(_ network: LabNetwork) -> [(String, LabText)] {
    var members: [(String, LabText)] = []
    members.add("vxlan", network.vxlan.map { .bare("\($0)") })
    members.add("facility", network.facility)
    members.add("metro", network.metro)
    members.add("description", network.description)
    members.add("tags", network.tags.map { .list($0) })
    return members
  }

  private static func server(_ server: LabServer) -> [(String, LabText)] {
    var members: [(String, LabText)] = []
    members.add("plan", server.plan)
    members.add("facility", server.facility)
    members.add("mode", (server.mode == .hybridBonded ? .layer3 : server.mode)?.rawValue)
    members.add("os", server.os)
    members.add("description", server.description)
    members.add("tags", server.tags.map { .list($0) })
    members.add("userdata", server.userdata)
    members.add("mtu", server.mtu.map { .bare("\($0)") })
    members.add("place", server.place.map(text))
    members.add("nics", server.nics.map { .map(nics($0)) })
    members.add("configure", server.configure.map { .bare("\($0)") })
    let ports = PortName.allCases.compactMap { name in server.ports[name].map { (name.rawValue, port($0)) } }
    if !ports.isEmpty { members.append(("ports", .map(ports))) }
    let links = PortName.nics.compactMap { nic in
      server.links?[nic].map { (nic.rawValue, LabText.map(link($0))) }
    }
    if !links.isEmpty { members.append(("links", .map(links))) }
    members.add("vm", server.vm.map { .map(machine($0)) })
    return members
  }

  private static func nics(_ nics: LabNICNames) -> [(String, LabText)] {
    var members: [(String, LabText)] = []
    members.add("eth0", nics.eth0)
    members.add("eth1", nics.eth1)
    return members
  }

  private static func link(_ link: LabLink) -> [(String, LabText)] {
    var members: [(String, LabText)] = []
    members.add("to-server", link.toServer.map { .map(impairment($0)) })
    members.add("from-server", link.fromServer.map { .map(impairment($0)) })
    members.add("down", link.down.map { .bare("\($0)") })
    return members
  }

  /// No value needs quotes: each is a number with a unit.
  private static func impairment(_ setting: LabImpairment) -> [(String, LabText)] {
    setting.impairment.pairs.map { ($0.name, .bare($0.text)) }
  }

  private static func port(_ port: LabPort) -> LabText {
    guard let native = port.native else { return .list(port.networks) }
    return .map([("networks", .list(port.networks)), ("native", .text(native))])
  }

  private static func machine(_ machine: LabMachine) -> [(String, LabText)] {
    var members: [(String, LabText)] = []
    members.add("disk", machine.disk)
    members.add("snapshot", machine.snapshot.map { .bare("\($0)") })
    members.add("kernel", machine.kernel)
    members.add("initrd", machine.initrd)
    members.add("append", machine.append)
    members.add("memory", machine.memory.map(LabWord.text(ofBytes:)))
    members.add("cpus", machine.cpus.map { .bare("\($0)") })
    members.add("cloud-init", machine.cloudInit.map { .bare("\($0)") })
    members.add("restart", machine.restart)
    return members
  }

  private static func addressBlock(_ block: LabAddressBlock) -> [(String, LabText)] {
    var members: [(String, LabText)] = [("size", .bare("\(block.size)"))]
    members.add("server", block.server)
    return members
  }

  private static func check(_ question: LabCheck.Question, of server: String) -> [(String, LabText)] {
    switch question {
    case .ping(_, let to): [("from", .text(server)), ("ping", .text(to))]
    case .deaf(_, let to): [("from", .text(server)), ("deaf", .text(to))]
    case .tcp(_, let host, let port):
      [("from", .text(server)), ("tcp", .text(LabWord.text(ofHost: host, port: port)))]
    case .http(_, let url, let status):
      [("from", .text(server)), ("http", .text(url))] + (status == 200 ? [] : [("status", .bare("\(status)"))])
    case .lacp(_, let nic): [("server", .text(server)), ("lacp", .text(nic?.rawValue ?? "both"))]
    case .link(_, let nic): [("server", .text(server)), ("link", .text(nic.rawValue))]
    }
  }

  private static func text(_ place: LabPlace) -> String {
    switch place {
    case .host: "host"
    case .netns: "netns"
    case .namespace(let name): "netns:\(name)"
    case .vm: "vm"
    }
  }

  // MARK: Ranges

  /// Neighbours that differ only by number, as one.
  private static func folded(_ servers: [LabEntry<LabServer>]) -> [LabEntry<LabServer>] {
    runs(servers, name: \.name) { $0.value == $1.value }.map { LabEntry($0.name, servers[$0.first].value) }
  }

  private static func folded(_ checks: [LabCheck]) -> [[(String, LabText)]] {
    let runs = runs(checks, name: \.question.server) { one, other in
      one.milliseconds == other.milliseconds
        && LabText.map(check(one.question, of: "")).inLine == LabText.map(check(other.question, of: "")).inLine
    }
    return runs.map { run in
      let first = checks[run.first]
      var members = check(first.question, of: run.name)
      if first.milliseconds != 5000 {
        members.append(("within", .text(LabWord.text(ofMilliseconds: first.milliseconds))))
      }
      return members
    }
  }

  private static func runs<Value>(
    _ values: [Value], name: (Value) -> String, isSame: (Value, Value) -> Bool
  ) -> [(name: String, first: Int)] {
    var runs: [(name: String, first: Int)] = []
    var index = 0
    while index < values.count {
      var run = LabNumberRun(name(values[index]))
      var end = index + 1
      while end < values.count, isSame(values[index], values[end]), run?.extend(to: name(values[end])) == true {
        end += 1
      }
      runs.append((run?.name ?? name(values[index]), index))
      index = end
    }
    return runs
  }
}

/// Names that count up: `web1`, `web2`; `web01`, `web02`.
private struct LabNumberRun {
  private let prefix: String
  /// Digits of the first.
  private let digits: String
  private let first: Int
  private var last: Int

  /// `nil`: the name does not end with a number that a range can have.
  init?(_ name: String) {
    let count = name.utf8.reversed().prefix { 0x30...0x39 ~= $0 }.count
    digits = String(name.suffix(count))
    guard (1...9).contains(count), let number = Int(digits) else { return nil }
    (prefix, first, last) = (String(name.dropLast(count)), number, number)
  }

  private var isPadded: Bool { digits.hasPrefix("0") && digits.utf8.count > 1 }

  private func text(_ number: Int) -> String {
    let text = String(number)
    return isPadded ? String(repeating: "0", count: max(0, digits.utf8.count - text.utf8.count)) + text : text
  }

  mutating func extend(to name: String) -> Bool {
    let next = text(last + 1)
    let isNext = last - first + 1 < LabRange.limit && next.utf8.count <= (isPadded ? digits.utf8.count : 9)
    guard isNext, name == prefix + next else { return false }
    last += 1
    return true
  }

  var name: String { last == first ? prefix + digits : "\(prefix)[\(digits)-\(text(last))]" }
}

extension [(String, LabText)] {
  /// Nothing is left out of the text.
  fileprivate mutating func add(_ key: String, _ value: LabText?) {
    if let value { append((key, value)) }
  }

  fileprivate mutating func add(_ key: String, _ value: String?) {
    if let value { append((key, .text(value))) }
  }
}
