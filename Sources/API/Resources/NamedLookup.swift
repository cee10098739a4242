// Finding what people call a thing: its UUID, or its name where only one has it.
//
// A UUID comes first, so that nobody takes a thing's place by calling another one so. A hostname is one of a project,
// and a project's name is anybody's, so a name can mean several; then PROJECT/NAME or a UUID says which. Only what the
// caller sees counts: that a stranger has the same name does not make it ambiguous.

import Rack

extension View {
  /// Things that an answer lists; of more it says how many.
  private static let listLimit = 8

  /// A server by its UUID, its hostname in either case, or PROJECT/HOSTNAME, where PROJECT is a project's name or UUID.
  ///
  /// Throws 404 when there is none, and 422 when there are several.
  func known(serverNamed reference: String) throws(APIError) -> Server {
    if let id = ServerID(reference), let server = self[id] { return server }
    let found = servers(meantBy: reference)
    if found.count > 1 {
      let names = found.map { "\(self[$0.project]?.name ?? "")/\($0.hostname) (\($0.id))" }
      let isByName = Set(found.map { self[$0.project]?.name }).count == found.count
      throw Self.ambiguous(reference, "servers", names, isByName ? "PROJECT/NAME or its UUID" : "its UUID")
    }
    guard let server = found.first else {
      throw .unknown("there is no server \(Arguments.shown(.string(reference))): give the name or the UUID of one")
    }
    return server
  }

  /// A project by its UUID or its exact name. Throws 404 when there is none, and 422 when there are several.
  func known(projectNamed reference: String) throws(APIError) -> Project {
    if let id = ProjectID(reference), let project = self[id] { return project }
    let found = projects(named: reference)
    if found.count > 1 { throw Self.ambiguous(reference, "projects", found.map { "\($0.id)" }, "its UUID") }
    guard let project = found.first else {
      throw .unknown("there is no project \(Arguments.shown(.string(reference))): give the name or the UUID of one")
    }
    return project
  }

  /// A hostname has no slash; a project's name may.
  private func servers(meantBy reference: String) -> [Server] {
    guard let slash = reference.lastIndex(of: "/") else { return servers(named: reference) }
    let project = String(reference[..<slash])
    let servers = servers(named: String(reference[reference.index(after: slash)...]))
    if let id = ProjectID(project), self[id] != nil { return servers.filter { $0.project == id } }
    return servers.filter { self[$0.project]?.name == project }
  }

  /// `names` are those of the `things` that are called `reference`; `way` is how to say which.
  private static func ambiguous(_ reference: String, _ things: String, _ names: [String], _ way: String) -> APIError {
    // By name: who was made first is not known where both were made in one second.
    let names = names.sorted()
    let more = names.count > listLimit ? [", and \(names.count - listLimit) more"] : []
    let list = ([names.prefix(listLimit).joined(separator: ", ")] + more).joined()
    return .invalid("\(reference) is the name of \(names.count) \(things): \(list); name one by \(way)")
  }
}
