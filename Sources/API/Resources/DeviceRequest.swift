// The body of a device creation. Members that the simulation has no use for are ignored, whatever their type: clients
// send a dozen of them, some in forms of their own (`"tags": {}`).

import HTTPTypes
import Rack

/// What is asked for, checked as far as that needs no rack.
struct DeviceRequest {
  let request: ServerRequest

  /// Throws one error with a line for each member that is missing or unknown.
  init(_ arguments: Arguments, project: ProjectID) throws(APIError) {
    var faults: [String] = []
    func collect<Value>(_ read: () throws(APIError) -> Value) -> Value? {
      do { return try read() } catch {
        faults += error.messages
        return nil
      }
    }
    let hostname = collect { () throws(APIError) in try arguments.string("hostname") } ?? nil
    let plan = collect { () throws(APIError) in
      try Self.entry("plan", arguments, Catalogue.plans.map(\.slug)) { Catalogue.plan($0)?.slug }
    }
    let system = collect { () throws(APIError) in
      try Self.entry("operating_system", arguments, Catalogue.operatingSystems.map(\.slug)) {
        Catalogue.operatingSystem($0)?.slug
      }
    }
    let facility = collect { () throws(APIError) in try arguments.facility() }
    let place = collect { () throws(APIError) in try Self.place(arguments, hostname: hostname) }
    guard faults.isEmpty, let plan, let system, let facility, let place else {
      throw APIError(.unprocessableContent, faults)
    }
    request = ServerRequest(
      hostname: hostname, plan: plan, facility: facility.code, operatingSystem: system, project: project, place: place)
  }

  private static func entry(
    _ name: String, _ arguments: Arguments, _ known: [String], find: (String) -> String?
  ) throws(APIError) -> String {
    let rule = "valid are \(known.joined(separator: ", "))"
    guard let text = try arguments.string(name) else { throw .invalid("\(name) is missing; \(rule)") }
    guard let found = find(text) else {
      throw .invalid("\(name) \(Arguments.shown(.string(text))) is not known; \(rule)")
    }
    return found
  }

  /// Toprack's own member: `"toprack": {"netns": "NAME"}`, or true for the namespace that is named as the server.
  private static func place(_ arguments: Arguments, hostname: String?) throws(APIError) -> Place {
    guard let own = arguments.value("toprack") else { return .host }
    guard case .object = own else { throw .invalid("toprack must be an object, not \(own.kind)") }
    switch own["netns"] {
    case nil, .some(.null), .some(.boolean(false)): return .host
    case .some(.string(let name)): return .namespace(name, made: false)
    case .some(.boolean(true)):
      guard let hostname else {
        throw .invalid("toprack.netns can be true only when hostname is given, because it names the namespace")
      }
      return .namespace(hostname, made: false)
    case .some(let other):
      throw .invalid("toprack.netns must be the name of a network namespace or true, not \(Arguments.shown(other))")
    }
  }
}
