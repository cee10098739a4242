import GRDB
public import Rack

/// The state as it is on disk, and what is wrong with it.
public struct StoredState: Sendable {
  public let rack: Rack
  /// Sentences; empty when all is well.
  public let faults: [String]
}

extension Store {
  /// Reads the state in `directory` in one transaction. Takes no lock and writes nothing, so a daemon may be at work
  /// meanwhile; what it commits later is not in it.
  ///
  /// - Parameter plan: the ranges that the daemon is set to give addresses from; others are a fault.
  /// - Throws: `StoreFault` when there is no state, or none that this version can read.
  public static func read(_ directory: String, plan: AddressPlan = AddressPlan()) throws(StoreFault) -> StoredState {
    let path = directory + "/rack.sqlite"
    return try translating(path) {
      var configuration = Configuration()
      configuration.label = "reader"
      configuration.readonly = true
      configuration.busyMode = .timeout(5)
      let queue = try DatabaseQueue(path: path, configuration: configuration)
      return try queue.read { db in
        guard try Schema.migrator.hasCompletedMigrations(db) else {
          throw StoreFault(
            .newer, "\(path) is not of this version of toprackd; use the tool of the version that runs there")
        }
        guard let rack = try RowReader(db: db).rack(plan: plan, hybridBonded: nil) else {
          throw StoreFault(.damaged, "\(path) has no rack; has toprackd run with it?")
        }
        return StoredState(rack: rack, faults: rack.outsidePlan() + rack.checkInvariants())
      }
    }
  }
}
