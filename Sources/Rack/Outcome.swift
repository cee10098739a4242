/// What a command does, decided and not yet done: the records to write. What the wire has to do about them is the
/// difference that they make to it.
public struct Outcome: Hashable, Sendable {
  public enum Subject: Hashable, Sendable {
    case server(ServerID), network(NetworkID), port(PortID), reservation(ReservationID), assignment(AssignmentID),
      project(ProjectID), token(TokenID), sshKey(SSHKeyID), batch(BatchID), lab(LabID),
      mirror(MirrorID), nothing
  }

  public enum Act: Hashable, Sendable {
    /// Carrier and ports go, and come back.
    case reboot(ServerID)
    /// The NICs get the server's MTU once more: its own system has set another.
    case refit(ServerID)
  }

  /// What the caller wants to see afterwards; `nothing` when it is gone.
  public var subject: Subject
  /// What is done although no record says otherwise.
  public var acts: [Act]
  /// In order; together one transaction.
  public var changes: [Change]
  /// What is to be remembered of it. The rack itself reads neither; a store keeps them.
  public var events: [Event]
  public var batch: AssignmentBatch?
  /// False: the command succeeded and everything was already so.
  public var changed: Bool { !changes.isEmpty || !acts.isEmpty || batch != nil }

  public init(
    subject: Subject, acts: [Act] = [], changes: [Change] = [], events: [Event] = [],
    batch: AssignmentBatch? = nil
  ) {
    (self.subject, self.acts, self.changes) = (subject, acts, changes)
    (self.events, self.batch) = (events, batch)
  }

  /// The one that tells of the command itself; `nil` when nothing changed.
  public var event: Event? { events.first { !$0.isStage } }
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
  case mirror(Mirror)
  case mirrorDeleted(MirrorID)
  case aging(seconds: Int)
  case lacpRate(fast: Bool)
  /// All that have failed of a facility; none: all are well.
  case failedSwitches(facility: String, Set<RackSwitch>)
}
