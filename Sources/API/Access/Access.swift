// Who asks, and what they may.

import FoundationEssentials
import HTTPTypes
public import Rack

/// The rights of one caller, as they were when the request came in.
public struct Access: Hashable, Sendable {
  /// How much of the rack there is for the caller.
  public enum Scope: Hashable, Sendable {
    case all
    case project(ProjectID)
    case none
  }

  public let scope: Scope
  /// Says where a new server's NICs are: on the host, in any namespace. Otherwise each gets a namespace of its own.
  public let placesFreely: Bool
  /// Sees, and changes nothing.
  public let isReadOnly: Bool
  /// The name that stands beside what the caller changes: a user of the machine, or a token's name.
  public let by: String
  /// The token that gives the rights.
  public let token: TokenID?

  public init(
    scope: Scope, isReadOnly: Bool = false, by: String, token: TokenID? = nil, placesFreely: Bool = true
  ) {
    (self.scope, self.isReadOnly, self.by, self.token) = (scope, isReadOnly, by, token)
    self.placesFreely = placesFreely
  }

  /// What a token gives. One for the whole rack is never bound by the placement.
  init(of token: AccessToken, placement: Placement) {
    self.init(
      scope: token.project.map(Scope.project) ?? .all, isReadOnly: token.isReadOnly, by: token.name, token: token.id,
      placesFreely: token.project == nil || placement == .any)
  }

  /// The same rights with that to write.
  var writing: Access { Access(scope: scope, by: by, token: token, placesFreely: placesFreely) }

  /// Whether what belongs to `project` exists for the caller.
  func sees(_ project: ProjectID) -> Bool {
    switch scope {
    case .all: true
    case .project(let own): own == project
    case .none: false
    }
  }

  /// The one project that there is for the caller; `nil`: there are all. Nobody's is one that does not exist.
  var project: ProjectID? {
    switch scope {
    case .all: nil
    case .project(let own): own
    case .none: ProjectID(UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)))
    }
  }

  /// Told for a day, to those who may write: it lets one into the machine.
  func rootPassword(of server: Server, at now: Date) -> String? { isReadOnly ? nil : server.rootPassword(at: now) }

  /// Throws 403 to a caller that has one project only. `what`: "the rack's settings".
  func requireWholeRack(for what: String) throws(APIError) {
    guard scope == .all else {
      throw APIError(
        .forbidden, "the token is for one project, and \(what) concern the whole rack: use a token for all projects")
    }
  }

  /// Throws 403 to a caller that changes nothing.
  func requireWriting() throws(APIError) {
    guard !isReadOnly else {
      throw APIError(.forbidden, "the token is read-only: it is for what changes nothing")
    }
  }
}

/// Where the servers are put that are made with a project's token: a setting of the daemon.
public enum Placement: String, CaseIterable, Sendable {
  /// In network namespaces that are made for them. The tenant is root there, and nowhere else on the host.
  case own
  /// Wherever the caller says: on the host, and in namespaces that exist.
  case any
}
