// `toprack-extcap`: the rack's NICs in Wireshark's own list of interfaces.
//
// Wireshark asks every program in its folder for extcap what interfaces it has, and how each is set up, whenever it is
// started; so this answers at once, and says nothing where there is no daemon. A rack is `toprack:*`, and one interface
// for each server, whose port is a choice.
//
// Source: doc/README.extcap and extcap.c of Wireshark 4.0.

import ArgumentParser
import Foundation
import NIOCore

struct ExtcapCommand: AsyncParsableCommand {
  /// The name by which Wireshark finds the program.
  static let program = "toprack-extcap"
  static let configuration = CommandConfiguration(
    commandName: "extcap", abstract: "Answer Wireshark, as the program \(program) in its folder for extcap.",
    shouldDisplay: false)

  @Argument(parsing: .captureForPassthrough) var arguments: [String] = []

  /// The arguments of the program, with this command's name before them where the program has the other name.
  static func arguments(of line: [String]) -> [String] {
    let rest = Array(line.dropFirst())
    let name = line.first.map { URL(filePath: $0).lastPathComponent }
    return name == program ? ["extcap"] + rest : rest
  }

  func run() async throws {
    let request = ExtcapRequest(arguments)
    switch request.question {
    case .interfaces: Output.write(try await ExtcapInterfaces(request).lines().joined(separator: "\n"))
    case .links: Output.write("dlt {number=1}{name=EN10MB}{display=Ethernet}")
    case .configuration: Output.write(ExtcapConfiguration.lines(of: request.interface).joined(separator: "\n"))
    case .filter: await check(request)
    case .capture: try await capture(request)
    case nil:
      throw Failure.usage(
        "\(Self.program) is called by Wireshark; for frames without it see 'toprack capture --help'")
    }
  }

  private func capture(_ request: ExtcapRequest) async throws {
    guard let interface = request.interface else { throw Failure.usage("--capture wants --extcap-interface") }
    guard let fifo = request.value("--fifo") else { throw Failure.usage("--capture wants --fifo") }
    guard let target = ExtcapTarget(interface) else {
      throw Failure.usage("\(interface) is no interface of a rack; valid are toprack:* and toprack:SERVER[:PORT]")
    }
    let client = try request.client()
    let path = request.query(target).path(client)
    let sink = try CaptureSink(fifo)
    let cutter = BlockCutter()
    try await CaptureSession.run {
      try await client.follow(path) { bytes in try cutter.take(bytes) { try sink.write($0) } }
    }
  }

  /// Says what is wrong with a filter, and nothing when nothing is.
  private func check(_ request: ExtcapRequest) async {
    guard let target = request.interface.flatMap(ExtcapTarget.init), let client = try? request.client() else { return }
    var query = request.query(target)
    (query.count, query.duration) = (1, "1ms")
    do {
      try await client.follow(query.path(client)) { _ in }
    } catch {
      if let failure = error as? Failure, failure.kind == .refused {
        Output.write(failure.messages.first ?? "the filter is refused")
      }
    }
  }
}

/// What Wireshark asks.
struct ExtcapRequest: Sendable {
  enum Question: Sendable { case interfaces, links, configuration, filter, capture }

  private var values: [String: String] = [:]
  private var flags: Set<String> = []

  /// Options that we do not know, of a Wireshark to come, are left alone.
  init(_ arguments: [String]) {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if let sign = argument.firstIndex(of: "=") {
        values[String(argument[..<sign])] = String(argument[argument.index(after: sign)...])
      } else if Self.valued.contains(argument), let value = rest.first {
        values[argument] = value
        rest.removeFirst()
      } else {
        flags.insert(argument)
      }
    }
  }

  private static let valued: Set = [
    "--extcap-version", "--extcap-interface", "--extcap-capture-filter", "--extcap-reload-option",
    "--extcap-control-in", "--extcap-control-out", "--fifo", "--port", "--server", "--direction", "--snaplen",
    "--filter", "--url", "--token", "--socket", "--ca-cert",
  ]

  var question: Question? {
    if flags.contains("--extcap-interfaces") { return .interfaces }
    if flags.contains("--extcap-config") { return .configuration }
    if flags.contains("--extcap-dlts") { return .links }
    if flags.contains("--capture") { return .capture }
    return values["--extcap-capture-filter"] == nil ? nil : .filter
  }

  var interface: String? { values["--extcap-interface"] }

  /// An option's value; nil for one that is empty: Wireshark gives those, too.
  func value(_ name: String) -> String? { values[name].flatMap { $0.isEmpty ? nil : $0 } }

  private func isSet(_ name: String) -> Bool { flags.contains(name) || values[name] == "true" }

  func query(_ target: ExtcapTarget) -> CaptureQuery {
    var target = target
    if target.server == nil, let server = value("--server") { target.server = server }
    if target.port == nil, let port = value("--port"), port != "all" { target.port = port }
    let direction = value("--direction").flatMap { $0 == "both" ? nil : $0 }
    return CaptureQuery(
      places: target.places, filter: value("--extcap-capture-filter") ?? value("--filter"), direction: direction,
      isDropped: isSet("--dropped"), snapLength: value("--snaplen").flatMap { Int($0) }, isWhole: isSet("--whole"))
  }

  /// `--url`, `--token` and `--socket`, or what the environment has of them.
  func client(timeout: TimeAmount = .seconds(60)) throws -> Client {
    let names = ["--url", "--token", "--socket", "--ca-cert"]
    let options = names.flatMap { name in value(name).map { [name, $0] } ?? [] }
    return try GlobalOptions.parse(options + (isSet("--insecure") ? ["--insecure"] : [])).client(timeout: timeout)
  }
}

/// What an interface of ours stands for: `toprack:*`, `toprack:SERVER`, `toprack:SERVER:PORT`.
struct ExtcapTarget: Equatable, Sendable {
  static let prefix = "toprack:"
  /// Nil: all.
  var server: String?
  var port: String?

  init?(_ interface: String) {
    guard interface.hasPrefix(Self.prefix) else { return nil }
    let name = String(interface.dropFirst(Self.prefix.count))
    if name == "*" { return }
    guard !name.isEmpty else { return nil }
    if let colon = name.lastIndex(of: ":"), !name[colon...].contains("/") {
      server = String(name[..<colon])
      port = String(name[name.index(after: colon)...])
    } else {
      server = name
    }
  }

  /// As `toprack capture` has them.
  var places: [String] { server.map { [$0 + (port.map { ":\($0)" } ?? "")] } ?? [] }
}

/// The list of interfaces.
struct ExtcapInterfaces {
  private let request: ExtcapRequest
  /// Wireshark starts us once for each: more of them would make it slow. The others are reached by `toprack:*`.
  private static let limit = 100
  /// Whoever starts Wireshark waits for this.
  private static let patience = TimeAmount.seconds(1)

  init(_ request: ExtcapRequest) { self.request = request }

  /// None without a daemon.
  func lines() async throws -> [String] {
    let client: Client
    do { client = try request.client(timeout: Self.patience) } catch { return [] }
    if case .socket(let path) = client.endpoint, access(path, F_OK) != 0, errno != EACCES { return [] }
    do {
      let devices = try await client.get("/toprack/devices").decoded(as: DeviceList.self).devices
      return Self.head + Self.interfaces(devices, asked: Self.askedFor())
    } catch let failure as Failure {
      // Somebody is there, and does not let us in: that is worth a line, which can be read and not be used.
      guard Self.isForbidden(failure, client.endpoint) else { return [] }
      let reason = Self.safe(failure.messages.joined(separator: "; "))
      return Self.head + ["interface {value=\(ExtcapTarget.prefix)*}{display=Toprack, unusable: \(reason)}"]
    }
  }

  private static func isForbidden(_ failure: Failure, _ endpoint: Client.Endpoint) -> Bool {
    if failure.kind == .refused { return true }
    guard case .socket(let path) = endpoint else { return false }
    return access(path, R_OK | W_OK) != 0 && errno == EACCES
  }

  private static let head = ["extcap {version=1.0}{help=https://www.wireshark.org/docs/man-pages/extcap.html}"]

  private static func interfaces(_ devices: [Device], asked: [String]) -> [String] {
    let names = ServerNames(devices).all.filter(isPlain).sorted()
    var lines = ["interface {value=\(ExtcapTarget.prefix)*}{display=Toprack: all servers}"]
    lines += names.prefix(limit).map { "interface {value=\(ExtcapTarget.prefix)\($0)}{display=Toprack: \($0)}" }
    let known = Set(lines)
    lines += asked.map { "interface {value=\($0)}{display=Toprack: \($0.dropFirst(ExtcapTarget.prefix.count))}" }
      .filter { !known.contains($0) }
    return lines
  }

  /// Interfaces of ours that the line of whoever started us names: `tshark -i toprack:web1:eth0`. tshark takes none
  /// that is not listed, and all ports of all servers are too many to list.
  private static func askedFor() -> [String] {
    guard let line = try? Data(contentsOf: URL(filePath: "/proc/\(getppid())/cmdline")) else { return [] }
    let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    return words.map { $0.hasPrefix("-i") ? String($0.dropFirst(2)) : $0 }.filter {
      ExtcapTarget($0)?.server != nil && isPlain($0)
    }
  }

  /// Whether a name can stand in an answer.
  private static func isPlain(_ name: String) -> Bool {
    !name.contains { "{}=\n".contains($0) || $0.isWhitespace }
  }

  private static func safe(_ text: String) -> String {
    String(text.map { "{}\n".contains($0) ? " " : $0 })
  }
}

/// What can be set up of an interface.
enum ExtcapConfiguration {
  static func lines(of interface: String?) -> [String] {
    let target = interface.flatMap(ExtcapTarget.init)
    var lines: [String] = []
    var values: [String] = []
    func add(_ call: String, _ display: String, _ rest: String, _ choices: [(String, String)] = []) {
      let number = lines.count
      lines.append("arg {number=\(number)}{call=\(call)}{display=\(display)}\(rest)")
      for (index, choice) in choices.enumerated() {
        values.append("value {arg=\(number)}{value=\(choice.0)}{display=\(choice.1)}{default=\(index == 0)}")
      }
    }
    if target?.server == nil {
      add("--server", "Servers", "{type=string}{tooltip=SERVER or SERVER:PORT, several with commas; empty: all}")
    }
    if target?.port == nil {
      add(
        "--port", "Port", "{type=selector}{tooltip=bond0 is both of its NICs}",
        [("all", "both NICs"), ("eth0", "eth0"), ("eth1", "eth1"), ("bond0", "bond0")])
    }
    add(
      "--direction", "Direction", "{type=selector}{tooltip=in: from the server into the switch}",
      [("both", "both"), ("in", "in"), ("out", "out")])
    add("--dropped", "Say why frames were dropped", "{type=boolflag}{default=false}")
    add("--whole", "Super-frames in one piece", "{type=boolflag}{default=false}")
    add("--snaplen", "Bytes of a frame that are kept", "{type=integer}{range=14,65550}{default=65550}")
    add("--url", "URL of the API", "{type=string}{group=Connection}{tooltip=empty: the socket of this machine}")
    add("--token", "Token", "{type=password}{group=Connection}{tooltip=empty: $TOPRACK_TOKEN}")
    return lines + values
  }
}
