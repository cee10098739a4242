// Who asks, and what they may.

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
  /// Sees, and changes nothing.
  public let isReadOnly: Bool
  /// The name that stands beside what the caller changes: a user of the machine, or a token's name.
  public let by: String

  public init(scope: Scope, isReadOnly: Bool = false, by: String) {
    (self.scope, self.isReadOnly, self.by) = (scope, isReadOnly, by)
  }

  /// Whether what belongs to `project` exists for the caller.
  func sees(_ project: ProjectID) -> Bool {
    switch scope {
    case .all: true
    case .project(let own): own == project
    case .none: false
    }
  }

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
      throw APIError(.forbidden, "the token is read-only: it can be used with GET alone")
    }
  }
}
