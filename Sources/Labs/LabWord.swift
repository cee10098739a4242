import Impairments
import Net
import Rack

/// What a single value can be: its rule, in words, as a test and as a piece of a JSON Schema.
enum LabWord: Hashable, Sendable {
  case boolean
  case integer(ClosedRange<Int>)
  case oneOf([String])
  /// Of the lab.
  case lab
  case project
  /// A name that only this file knows, of a network or an address block.
  case label(String)
  /// A key of `servers`: a hostname, or a range of them.
  case serverKey
  case server
  /// A server or a range.
  case servers
  case mode, place
  case facility, metro, plan, operatingSystem
  case interface
  case description, tag, userdata
  case path, commandLine
  case memory, duration
  case percentage, delay, queue, rate
  case address, endpoint, url

  struct Fault {
    var message: String
    var nearest: String?
  }

  static let labLimit = 32
  static let labelLimit = 63
  static let pathLimit = 4096
  static let commandLineLimit = 2048
  static let urlLimit = 1024
  static let leastMemory = 64 << 20
  static let durations = 1...3_600_000

  /// What would be valid.
  var rule: String {
    switch self {
    case .boolean: "true or false"
    case .integer(let range): "a number, \(range.lowerBound) to \(range.upperBound)"
    case .oneOf(let words): words.listed("or")
    case .lab: "1 to \(Self.labLimit) of a-z, 0-9 and \"-\""
    case .project: "the name or UUID of a project"
    case .label: "1 to \(Self.labelLimit) letters, digits, \"-\", \"_\" and \".\", the first a letter or digit"
    case .server: "the name of a server of this file"
    case .serverKey, .servers: "a hostname, or a range of them as web[1-3]"
    case .mode: NetworkMode.settable.map(\.rawValue).listed("or")
    case .place: "host, netns, netns:NAME or vm"
    case .facility: "the code of a facility"
    case .metro: "the code of a metro"
    case .plan: "the slug of a plan"
    case .operatingSystem: "the slug of an operating system"
    case .interface: "the name of an interface, up to \(NICNames.limit) characters"
    case .description: "up to \(Names.descriptionLimit) characters without controls"
    case .tag: "1 to \(Names.tagLimit) characters without controls"
    case .userdata: "text of up to \(Names.textLimit) bytes"
    case .path: "the path of a file"
    case .commandLine: "one line of at most \(Self.commandLineLimit) bytes"
    case .memory: "a whole number and a unit, at least 64M, as 512M or 2G"
    case .duration: "a whole number and a unit, up to an hour, as 500ms, 5s or 2m"
    case .percentage: "a percentage from 0% to 100%, as 1% or 0.25%"
    case .delay: "a number and a unit, up to 10s, as 20ms, 1.5s or 500us"
    case .queue: "a number and a unit, 1ms to 10s, as 50ms"
    case .rate: "a number and a unit, 1kbit to 1000gbit a second, as 100mbit; or 0 for no limit"
    case .address: "an IP address"
    case .endpoint: "an IP address and a port, as 10.0.1.2:80 or [fd00::1]:80"
    case .url: "a URL as http://10.0.1.2/, up to \(Self.urlLimit) ASCII characters"
    }
  }

  /// What is wrong with `node`, the value of `key`; `nil`: nothing is.
  func fault(of node: LabNode, key: String) -> Fault? {
    guard let text = node.text else { return Fault(message: "\(key) is \(node.words); valid is \(rule)") }
    if node.isNull { return Fault(message: "\(key) has no value; valid is \(rule)") }
    switch self {
    case .boolean: return node.boolean == nil ? wrong(key, text) : nil
    case .integer(let range):
      guard let number = node.integer else { return wrong(key, text) }
      return range.contains(number)
        ? nil
        : Fault(message: "\(key) \(number) is out of range; valid are \(range.lowerBound) to \(range.upperBound)")
    default: return fault(of: text, key: key)
    }
  }

  private func fault(of text: String, key: String) -> Fault? {
    switch self {
    case .boolean, .integer: nil
    case .oneOf(let words): unknown(key, text, words)
    case .mode: faultOfMode(text)
    case .facility: Catalogue.facility(text) == nil ? unknown(key, text, Catalogue.facilities.map(\.code)) : nil
    case .metro: Catalogue.metro(text) == nil ? unknown(key, text, Catalogue.metros.map(\.code)) : nil
    case .plan: Catalogue.plan(text) == nil ? unknown(key, text, Catalogue.plans.map(\.slug)) : nil
    case .operatingSystem:
      Catalogue.operatingSystem(text) == nil ? unknown(key, text, Catalogue.operatingSystems.map(\.slug)) : nil
    case .project: plain(Names.fault(ofName: text, "project"))
    case .server: plain(Names.fault(ofHostname: text))
    case .serverKey, .servers: plain(LabRange.fault(of: text))
    case .interface: plain(NICNames(eth0: text, eth1: text == "eth1" ? "eth0" : "eth1").fault)
    case .description: plain(Names.fault(ofDescription: text))
    case .tag: plain(Names.fault(ofTags: [text]))
    case .userdata: plain(Names.fault(ofText: text, "userdata"))
    case .place: faultOfPlace(key, text)
    case .lab: isLab(text) ? nil : wrong("lab name", text)
    case .label(let what): Self.isLabel(text) ? nil : wrong("\(what) name", text)
    case .path: isPath(text) ? nil : wrong(key, text)
    case .commandLine: isCommandLine(text) ? nil : wrong(key, text)
    case .memory: Self.bytes(text).map { $0 >= Self.leastMemory } == true ? nil : wrong(key, text)
    case .duration: Self.milliseconds(text) == nil ? wrong(key, text) : nil
    case .percentage: Fraction(reading: text) == nil ? wrong(key, text) : nil
    case .delay: Measure.time(text).map(Impairment.times.contains) == true ? nil : wrong(key, text)
    case .queue: Measure.time(text).map(Impairment.queues.contains) == true ? nil : wrong(key, text)
    case .rate: Measure.rate(text).map { $0 == 0 || Impairment.rates.contains($0) } == true ? nil : wrong(key, text)
    case .address: IPAddress(text) == nil ? wrong(key, text) : nil
    case .endpoint: Self.endpoint(text) == nil ? wrong(key, text) : nil
    case .url: Self.isURL(text) ? nil : wrong(key, text)
    }
  }

  private func wrong(_ key: String, _ text: String) -> Fault {
    Fault(message: "\(key) \(text.quoted) is not valid; valid is \(rule)")
  }

  private func plain(_ message: String?) -> Fault? { message.map { Fault(message: $0) } }

  private func unknown(_ key: String, _ text: String, _ words: [String]) -> Fault? {
    guard !words.contains(text) else { return nil }
    let nearest = LabNearest.of(text, among: words)
    let hint = nearest.map { "the nearest is \($0.quoted); " } ?? ""
    let valid = words.count > 24 ? "\(words.prefix(24).joined(separator: ", ")), …" : words.listed()
    return Fault(message: "unknown \(key) \(text.quoted); \(hint)valid are \(valid)", nearest: nearest)
  }

  private func faultOfMode(_ text: String) -> Fault? {
    guard text == NetworkMode.hybridBonded.rawValue else {
      return unknown("mode", text, NetworkMode.settable.map(\.rawValue))
    }
    return Fault(
      message: "mode hybrid-bonded is layer3 with a network on bond0; write mode: layer3 and ports: {bond0: [NETWORK]}",
      nearest: NetworkMode.layer3.rawValue)
  }

  private func faultOfPlace(_ key: String, _ text: String) -> Fault? {
    guard let name = Self.namespace(text) else { return unknown(key, text, ["host", "netns", "netns:NAME", "vm"]) }
    return name.isEmpty ? wrong(key, text) : plain(Names.fault(ofNamespace: name))
  }

  /// The name in `netns:NAME`.
  private static func namespace(_ text: String) -> String? {
    text.hasPrefix("netns:") ? String(text.dropFirst("netns:".count)) : nil
  }

  static func place(_ text: String) -> LabPlace {
    if let name = namespace(text) { return .namespace(name) }
    switch text {
    case "host": return .host
    case "vm": return .vm
    default: return .netns
    }
  }

  private func isLab(_ text: String) -> Bool {
    (1...Self.labLimit).contains(text.utf8.count)
      && text.utf8.allSatisfy { 0x61...0x7A ~= $0 || 0x30...0x39 ~= $0 || $0 == UInt8(ascii: "-") }
  }

  static func isLabel(_ text: String) -> Bool {
    (1...labelLimit).contains(text.utf8.count)
      && text.utf8.allSatisfy { isLetterOrDigit($0) || "-_.".utf8.contains($0) }
      && text.utf8.first.map(isLetterOrDigit) == true
  }

  private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
    0x61...0x7A ~= byte || 0x41...0x5A ~= byte || 0x30...0x39 ~= byte
  }

  private func isPath(_ text: String) -> Bool {
    (1..<Self.pathLimit).contains(text.utf8.count) && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
  }

  private func isCommandLine(_ text: String) -> Bool {
    text.utf8.count <= Self.commandLineLimit && text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
  }

  // MARK: Values with units

  private static let sizes: [(unit: String, bytes: Int)] = [
    ("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10), ("B", 1),
  ]
  private static let times: [(unit: String, milliseconds: Int)] = [("ms", 1), ("s", 1000), ("m", 60_000)]

  /// A number with a unit, split.
  private static func parts(_ text: String) -> (number: Int, unit: String)? {
    let digits = text.utf8.prefix { 0x30...0x39 ~= $0 }.count
    guard digits > 0, let number = Int(text.prefix(digits)), String(number).utf8.count == digits else { return nil }
    return (number, String(text.dropFirst(digits)))
  }

  /// `512M`, `2G`; also `2GiB`.
  static func bytes(_ text: String) -> Int? {
    guard let (number, unit) = parts(text), let size = sizes.first(where: { unit == $0.unit || unit == "\($0.unit)iB" })
    else { return nil }
    let (bytes, isTooMuch) = number.multipliedReportingOverflow(by: size.bytes)
    return isTooMuch ? nil : bytes
  }

  static func text(ofBytes bytes: Int) -> String {
    let size = sizes.first { bytes.isMultiple(of: $0.bytes) } ?? ("B", 1)
    return "\(bytes / size.bytes)\(size.unit)"
  }

  /// `500ms`, `5s`, `2m`.
  static func milliseconds(_ text: String) -> Int? {
    guard let (number, unit) = parts(text), let time = times.first(where: { unit == $0.unit }) else { return nil }
    let (total, isTooMuch) = number.multipliedReportingOverflow(by: time.milliseconds)
    return !isTooMuch && durations.contains(total) ? total : nil
  }

  static func text(ofMilliseconds time: Int) -> String {
    let unit = times.last { time.isMultiple(of: $0.milliseconds) } ?? ("ms", 1)
    return "\(time / unit.milliseconds)\(unit.unit)"
  }

  // MARK: Addresses

  static func endpoint(_ text: String) -> (host: String, port: Int)? {
    guard let colon = text.lastIndex(of: ":") else { return nil }
    let digits = text[text.index(after: colon)...]
    guard let port = Int(digits), 1...65_535 ~= port, String(port) == digits else { return nil }
    var host = text[..<colon]
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    if isBracketed { host = host.dropFirst().dropLast() }
    guard let address = IPAddress(host), address.isV4 != isBracketed else { return nil }
    return (String(host), port)
  }

  static func text(ofHost host: String, port: Int) -> String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }

  private static func isURL(_ text: String) -> Bool {
    let scheme = "http://"
    guard text.hasPrefix(scheme), text.utf8.count <= urlLimit, text.utf8.allSatisfy({ 0x21..<0x7F ~= $0 }) else {
      return false
    }
    let host = text.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    return !host.isEmpty && !host.contains("@")
  }
}
