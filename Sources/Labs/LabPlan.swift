public import Rack

/// What applying a file, destroying a lab or going back to a checkpoint does: all of it, or nothing.
///
/// It was tried out on a copy of the rack, so it is possible as long as the rack is the same; `outcome` is what is to be
/// committed. What people are shown is the difference between that copy and the rack, so it says what happens.
public struct LabPlan: Sendable {
  /// For people, in the order of the file; what goes comes first.
  public var changes: [LabChange]
  /// The changes and events of all commands, in order; to be committed as one.
  public var outcome: Outcome
  /// What becomes of virtual machines after the commit. One whose server goes, goes with it and is not named.
  public var machines: [LabMachineStep]
  /// Of the lab before, 0 when there is none; and afterwards, 0 when it is gone.
  public var base: Int
  public var generation: Int
  /// Checkpoints that go with the lab.
  public var forgets: [String]
  /// The rack as it is afterwards.
  public var rack: Rack

  /// Nothing is to be committed, and no machine to be started or ended.
  public var isEmpty: Bool { !outcome.changed && machines.isEmpty }
  /// Something goes or is given up: what is asked for before it is done.
  public var isLosing: Bool {
    !forgets.isEmpty || changes.contains { $0.op == .remove || $0.op == .recreate || $0.losing != nil }
  }
}

/// Of one server: the machine that is to run, or none.
public struct LabMachineStep: Hashable, Sendable {
  public var server: ServerID
  public var name: String
  public var machine: LabMachine?

  public init(server: ServerID, name: String, machine: LabMachine?) {
    (self.server, self.name, self.machine) = (server, name, machine)
  }
}

/// Why there is no plan.
public enum LabRefusal: Error, Hashable, Sendable {
  /// The file is wrong by itself, whatever is in the rack: all that is wrong with it.
  case file([LabFault])
  /// The file, or the state that is wanted, does not go with what is there: a line each.
  case conflict([String])
}

/// What the planner is told about the caller and the host.
public struct LabRules: Hashable, Sendable {
  /// Takes what is nobody's; what is another lab's never.
  public var adopts = false
  /// Servers must get namespaces that are made for them (`PlaceRequest.mustBeOwn`).
  public var mustBeOwnPlace = false
  /// The namespaces that the host has, of those that `LabPlanner.namespaces` names.
  public var namespaces: Set<String> = []
  /// New servers are being installed until they are heard.
  public var isAwaited = false
  /// Servers of the lab without the machine that they should have: it is to be started, though nothing else changes.
  public var idle: Set<ServerID> = []

  public init() {}
}
