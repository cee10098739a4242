/// What a command does, decided and not yet done: the rows to write, and what the wire has to do about them.
public struct Outcome: Hashable, Sendable {
  public enum Subject: Hashable, Sendable {
    case server(ServerID), network(NetworkID), port(PortID), reservation(ReservationID), assignment(AssignmentID),
      project(ProjectID), token(TokenID), sshKey(SSHKeyID), batch(BatchID), lab(LabID), nothing
  }

  /// What the caller wants to see afterwards; `nothing` when it is gone.
  public var subject: Subject
  /// In order. Empty when the wire stays as it is.
  public var effects: [Effect]
  /// In order; together one transaction.
  public var changes: [Change]
  /// What is to be remembered of it. The rack itself reads neither; a store keeps them.
  public var events: [Event]
  public var batch: AssignmentBatch?
  /// False: the command succeeded and everything was already so.
  public var changed: Bool { !changes.isEmpty || !effects.isEmpty || batch != nil }

  public init(
    subject: Subject, effects: [Effect] = [], changes: [Change] = [], events: [Event] = [],
    batch: AssignmentBatch? = nil
  ) {
    (self.subject, self.effects, self.changes) = (subject, effects, changes)
    (self.events, self.batch) = (events, batch)
  }

  /// The one that tells of the command itself; `nil` when nothing changed.
  public var event: Event? { events.first { !$0.isStage } }
}

/// What the wire has to do about a change.
public enum Effect: Hashable, Sendable {
  case makeNICs(ServerID)
  /// The server as it was: it is no longer in the rack.
  case removeNICs(Server)
  /// `Server.wiring`, `Server.addresses`, `Server.blocks` or `Server.bootOptions` is not what it was.
  case rewire(ServerID)
  case setMTU(ServerID)
  /// The interfaces are to be called as `Server.nicNames` says.
  case nameNICs(ServerID)
  /// Carrier on both NICs as `Server.isPoweredOn` says; the ports follow by `rewire`.
  case setPower(ServerID)
  /// Carrier and ports go, and come back.
  case reboot(ServerID)
  /// A broadcast domain of its own begins; no port is in it yet.
  case openDomain(NetworkID)
  /// A broadcast domain ends; no port is in it any more.
  case closeDomain(NetworkID)
  case setAging(seconds: Int)
  case setLACPRate(fast: Bool)
}

/// One record that differs now. A rack is its changes applied to an empty one, so this is also what a store keeps.
public enum Change: Hashable, Sendable {
  case project(Project)
  case projectDeleted(ProjectID)
  /// New, or instead of `replacing`, which has the same identifier.
  case server(Server, replacing: Server?)
  case serverDeleted(ServerID)
  case network(VirtualNetwork)
  case networkDeleted(NetworkID)
  case reservation(Reservation)
  case reservationDeleted(ReservationID)
  case pool(AddressPool)
  case token(AccessToken)
  case tokenDeleted(TokenID)
  case sshKey(SSHKey)
  /// It leaves the servers that have it, too; they change no otherwise.
  case sshKeyDeleted(SSHKeyID)
  /// New, or instead of `replacing`, which has the same identifier.
  case lab(Lab, replacing: Lab?)
  case labDeleted(LabID)
  case aging(seconds: Int)
  case lacpRate(fast: Bool)
}
