// What a caller wants to capture, read from a query: `GET /toprack/capture`, and the portal's form.

import Capture
import Control
import Observers
import Rack

/// A capture as it was asked for.
struct CaptureOrdering: Sendable {
  enum Format: String, CaseIterable, Sendable {
    case pcapng
    /// A line of JSON for each frame.
    case json

    var mediaType: String { self == .pcapng ? "application/x-pcapng" : "application/x-ndjson" }
  }

  var request: CaptureRequest
  var form: CaptureForm
  var format: Format
  /// Nil: until its reader goes.
  var duration: Duration?

  /// Bytes of a frame that a line is made of, where nobody says how many: all headers, and a name or two.
  private static let lineSnapLength = 256

  /// Throws 404 for what the caller does not see, and 422.
  init(_ call: Call, format wanted: Format? = nil) async throws {
    let arguments = call.arguments
    let view = await call.view()
    format = try wanted ?? Self.format(arguments)
    var places: [CaptureScope.Place] = []
    var titles: [String] = []
    for reference in try Self.references(arguments) {
      let (server, port) = try Self.place(reference, view)
      places.append(CaptureScope.Place(server: server.id, port: port))
      titles.append(server.hostname + (port.map { ":\($0.rawValue)" } ?? ""))
    }
    let network = try Self.network(arguments, view)
    if let network { titles.append("network \(network.vxlan)") }
    if titles.isEmpty { titles = [call.access.scope == .all ? "the whole rack" : "all servers of the project"] }
    let snapLength = try arguments.integer("snaplen")
    if let snapLength, !CaptureRequest.snapLengths.contains(snapLength) {
      throw APIError.invalid(
        "snaplen \(snapLength) is not valid; valid are \(CaptureRequest.snapLengths.lowerBound) to "
          + "\(CaptureRequest.snapLengths.upperBound)")
    }
    request = CaptureRequest(
      scope: CaptureScope(
        places: places.isEmpty ? nil : places, network: network?.id, project: call.access.project),
      title: titles.joined(separator: ", "), directions: try Self.directions(arguments),
      drops: try arguments.boolean("dropped") ?? false, filter: try Self.filter(arguments),
      snapLength: snapLength ?? (format == .json ? Self.lineSnapLength : FrameWatch.snapLimit))
    form = CaptureForm(
      keepsWhole: try arguments.boolean("whole") ?? false, keepsOffload: try arguments.boolean("raw_offload") ?? false,
      count: try Self.count(arguments))
    duration = try Self.duration(arguments)
  }

  /// A text that is not empty: forms send what was left empty, too.
  private static func given(_ name: String, _ arguments: Arguments) throws(APIError) -> String? {
    try arguments.string(name).flatMap { $0.isEmpty ? nil : $0 }
  }

  private static func format(_ arguments: Arguments) throws(APIError) -> Format {
    guard let text = try arguments.string("format") else { return .pcapng }
    guard let format = Format(rawValue: text) else {
      throw .invalid("format \(Arguments.shown(.string(text))) is not valid; valid are pcapng and json")
    }
    return format
  }

  /// `SERVER[:PORT]`, several with commas; `port` is that of a single one.
  private static func references(_ arguments: Arguments) throws(APIError) -> [String] {
    let port = try arguments.string("port")
    guard let text = try Self.given("server", arguments) else {
      if port != nil { throw .invalid("port is given without a server: give both") }
      return []
    }
    let references = text.split(separator: ",", omittingEmptySubsequences: false).map { part in
      String(part.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
    if references.contains("") {
      throw .invalid("server has an empty name in it; valid is SERVER or SERVER:PORT, several with commas between")
    }
    guard let port else { return references }
    guard references.count == 1 else { throw .invalid("port is for one server; give SERVER:PORT of each") }
    return ["\(references[0]):\(port)"]
  }

  private static func place(_ reference: String, _ view: View) throws(APIError) -> (Server, PortName?) {
    guard let colon = reference.lastIndex(of: ":"), !reference[colon...].contains("/") else {
      return (try view.known(serverNamed: reference), nil)
    }
    let server = try view.known(serverNamed: String(reference[..<colon]))
    let name = String(reference[reference.index(after: colon)...])
    guard let port = server.port(named: name) else {
      throw .unknown("\(server.hostname) has no port \(Arguments.shown(.string(name))); valid are bond0, eth0 and eth1")
    }
    guard port != .bond0 || !server.members.isEmpty else {
      throw .invalid("bond0 of \(server.hostname) has no member; capture eth0 or eth1")
    }
    return (server, port)
  }

  /// `vxlan` is a number, `network` a number or a UUID.
  private static func network(_ arguments: Arguments, _ view: View) throws(APIError) -> VirtualNetwork? {
    let name = try given("network", arguments) == nil ? "vxlan" : "network"
    guard try given(name, arguments) != nil, let reference = try arguments.network(name) else { return nil }
    switch reference {
    case .id(let id): return try view.known(network: id)
    case .number(let number):
      let found = view.networks.filter { $0.vxlan == number }
      guard found.count < 2 else {
        let ids = found.map { "\($0.id)" }.sorted().joined(separator: ", ")
        throw .invalid("\(number) is the number of \(found.count) virtual networks: \(ids); give the UUID of one")
      }
      guard let network = found.first else {
        throw .unknown("there is no virtual network \(number): give the number or the UUID of one")
      }
      return network
    }
  }

  private static func directions(_ arguments: Arguments) throws(APIError) -> WatchOrder.Directions {
    switch try given("direction", arguments) {
    case nil: return .both
    case "in": return .incoming
    case "out": return .outgoing
    case .some(let other):
      throw .invalid(
        "direction \(Arguments.shown(.string(other))) is not valid; valid are in, from the server into the switch, "
          + "and out")
    }
  }

  private static func filter(_ arguments: Arguments) throws(APIError) -> FrameFilter? {
    guard let text = try arguments.string("filter"), !text.isEmpty else { return nil }
    do throws(FilterFault) { return try FrameFilter(text) } catch {
      throw .invalid("filter \(Arguments.shown(.string(text))): \(error.description)")
    }
  }

  private static func count(_ arguments: Arguments) throws(APIError) -> Int? {
    guard try given("count", arguments) != nil, let count = try arguments.integer("count") else { return nil }
    guard count > 0 else { throw .invalid("count \(count) is not valid; valid are numbers from 1 on") }
    return count
  }

  private static func duration(_ arguments: Arguments) throws(APIError) -> Duration? {
    guard let text = try given("duration", arguments) else { return nil }
    guard let milliseconds = TimeSpan.milliseconds(text), milliseconds > 0 else {
      throw .invalid("duration \(Arguments.shown(.string(text))) is not valid; \(TimeSpan.rule)")
    }
    return .milliseconds(milliseconds)
  }
}
