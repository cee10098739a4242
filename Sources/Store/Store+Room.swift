import GRDB
import Glibc
import Synchronization

/// What is done when the disk is full.
extension Store {
  /// Why nothing but what gives room back is committed, in a sentence that says what to do; `nil`: all is.
  public var fullReason: String? {
    guard isReserveGone.load(ordering: .relaxed) else { return nil }
    return
      "the disk of \(directory.path) is full: until there is room, what is deleted, released, detached and revoked is "
      + "taken, and no other change; make room there, or delete something"
  }

  /// Whether there was no room for a change when the database was opened.
  public var isFullAtStart: Bool { !hadRoom || fullReason != nil }

  /// Whether there is room for a change, asked of the disk.
  public var hasRoom: Bool { fullReason == nil && reserve.hasRoom }

  /// `body`, which writes; a commit that gives room back gets what can be made again, and at last the reserve.
  /// `isSmall`: it changes what is there, and is tried in any case.
  func withRoom(
    givesBack: Bool, isSmall: Bool, _ body: () async throws(StoreFault) -> Void
  ) async throws(StoreFault) {
    if !givesBack, !isSmall, let reason = fullReason, !takeReserve() { throw StoreFault(.full, reason) }
    do throws(StoreFault) {
      try await body()
    } catch {
      guard error.kind == .full, givesBack else { throw error }
      try await retry(body)
    }
    if isReserveGone.load(ordering: .relaxed) {
      await emptyLog()
      _ = takeReserve()
    }
  }

  private func retry(_ body: () async throws(StoreFault) -> Void) async throws(StoreFault) {
    await emptyLog()
    if unlink(directory.copy) == 0 { commitsSinceCopy.add(1, ordering: .relaxed) }
    do throws(StoreFault) {
      return try await body()
    } catch {
      guard error.kind == .full else { throw error }
    }
    isReserveGone.store(true, ordering: .relaxed)
    reserve.giveUp()
    await emptyLog()
    try await body()
  }

  /// Makes the reserve again, if it is gone and there is room.
  func takeReserve() -> Bool {
    guard isReserveGone.load(ordering: .relaxed) else { return true }
    guard reserve.make() else { return false }
    isReserveGone.store(false, ordering: .relaxed)
    return true
  }

  /// Writes the log back into the database, as far as that has room, and makes the log short.
  private func emptyLog() async {
    _ = try? await pool.writeWithoutTransaction { try $0.checkpoint(.truncate) }
  }
}
