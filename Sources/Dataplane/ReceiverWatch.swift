import Ports
import Switching

/// Which NICs take long to be written to, and for how long such a one gets nothing: the receiver pays.
///
/// ## How it works
/// The receiver's own stack runs within our write to its TAP: its firewall, its bridges. A write takes microseconds; a
/// firewall whose chains call each other can make milliseconds of it, or seconds, and all that time nobody else is
/// served. `TurnBudget` lets the sender pay for what is dear; here the receiver does.
///
/// Nothing is measured until a batch takes more than `notice`. From then on, for `armed`, the thread's own processor
/// time is read after each flush (wall time would count what the machine took away). Where it is more than the writes
/// and bytes since the last reading explain, the receivers are watched: each write to them is timed by itself. The
/// kernel does others' work within our write as well, two milliseconds of it at most, so that one long flush is no
/// proof, nor is one long write: who has taken `proof` writes cheaply and is not in debt is watched no more.
///
/// A write of more than `dear` goes onto the receiver's debt, which falls by a `share` of the time that passes. While
/// it is above `burst` the NIC is silent: what is for it is dropped (`receiver-slow`). So a receiver that is dear has a
/// third of a thread, and holds it for `burst` at once. Who has a second write of more than `outrageous` is silent for
/// `penalty` times as long, twice that the next time, and so on up to `longestSilence`.
///
/// What this cannot do: one write is not divided. Who is root in a namespace of this machine can have the kernel work
/// for one packet as long as it likes, once, with or without a switch; only a virtual machine bounds that.
///
/// ## Invariants
/// 1. A NIC that is silent is watched.
/// 2. `isArmed` while any NIC is watched.
///
/// ## Threads
/// Each thread that writes to TAPs has its own. Clocks are arguments, nanoseconds: `now` is monotonic, `spent` is the
/// thread's processor time.
@safe struct ReceiverWatch: ~Copyable {
  /// A batch that took longer by the clock on the wall is a reason to look.
  static let notice: Nanoseconds = 1_000_000
  static let armed: Nanoseconds = 10_000_000_000
  static let watched: Nanoseconds = 60_000_000_000
  /// What a flush may take: so much, and so much for each write and for each two bytes.
  static let allowance: Nanoseconds = 3_000_000
  static let perWrite: Nanoseconds = 8_000
  /// A write that takes more, beyond half a nanosecond a byte, counts.
  static let dear: Nanoseconds = 200_000
  static let burst: Nanoseconds = 4_000_000
  /// The debt falls by one in so many nanoseconds.
  static let share: Nanoseconds = 3
  /// So many cheap writes end a suspicion, where a single dear one is no proof of it.
  static let proof: UInt16 = 256
  /// No interrupt that falls into our write takes so long.
  static let outrageous: Nanoseconds = 20_000_000
  static let penalty: Nanoseconds = 50
  static let longestSilence: Nanoseconds = 600_000_000_000
  /// People are told of a NIC once in so long.
  static let news: Nanoseconds = 10_000_000_000
  /// Offences are forgotten after so long.
  static let memory: Nanoseconds = 600_000_000_000

  private struct Account: BitwiseCopyable {
    var debt: Nanoseconds = 0
    /// When `debt` was right, and the last write that was dear.
    var at: Nanoseconds = 0
    var silentUntil: Nanoseconds = 0
    /// 0: not watched.
    var watchedUntil: Nanoseconds = 0
    /// When people were told of it; 0: never.
    var toldAt: Nanoseconds = 0
    /// Outrageous writes in a row.
    var offences: UInt8 = 0
    /// Whether it was in debt since it is watched.
    var isDear = false
    /// Cheap writes since it is watched.
    var cheap: UInt16 = 0
  }

  private let accounts: UnsafeMutablePointer<Account>
  private let nicLimit: Int
  /// 0: nothing is measured.
  private var armedUntil: Nanoseconds = 0
  private var lastReading: Nanoseconds = 0

  init(nics: Int) {
    nicLimit = nics
    unsafe accounts = .allocate(capacity: nics)
    unsafe accounts.initialize(repeating: Account(), count: nics)
  }

  deinit { unsafe accounts.deallocate() }

  // MARK: Whether to look

  /// Whether flushes are measured.
  @inline(__always) var isArmed: Bool { armedUntil != 0 }

  /// A batch has taken longer than `notice`. `reading`: the thread's processor time now.
  mutating func arm(at now: Nanoseconds, reading: Nanoseconds) {
    if armedUntil == 0 { lastReading = reading }
    armedUntil = max(armedUntil, now &+ Self.armed)
  }

  /// The thread's processor time now. Returns how much it is since the last reading.
  mutating func read(_ reading: Nanoseconds) -> Nanoseconds {
    defer { lastReading = reading }
    return reading &- lastReading
  }

  /// Once a second: ends what is over.
  mutating func expire(at now: Nanoseconds) {
    guard isArmed else { return }
    for nic in 0..<nicLimit where unsafe accounts[nic].watchedUntil != 0 && accounts[nic].watchedUntil <= now {
      unsafe accounts[nic].watchedUntil = 0
    }
    if armedUntil <= now { armedUntil = 0 }
  }

  /// Whether a flush of so many writes has taken longer than they explain.
  static func isLong(_ spent: Nanoseconds, writes: Int, bytes: Int) -> Bool {
    spent > allowance &+ perWrite &* UInt64(truncatingIfNeeded: writes) &+ UInt64(truncatingIfNeeded: bytes / 2)
  }

  // MARK: One receiver

  borrowing func isWatched(_ nic: NICIndex) -> Bool { unsafe accounts[nic.value].watchedUntil != 0 }

  /// Whether `nic` gets nothing now.
  borrowing func isSilent(_ nic: NICIndex, at now: Nanoseconds) -> Bool { unsafe accounts[nic.value].silentUntil > now }

  /// `nic` was in a flush that took long: its writes are timed from now on.
  mutating func suspect(_ nic: NICIndex, at now: Nanoseconds) {
    guard !isWatched(nic) else { return }
    unsafe accounts[nic.value].cheap = 0
    unsafe accounts[nic.value].isDear = false
    watch(nic, until: now &+ Self.watched)
  }

  /// A write of `bytes` bytes to `nic` has taken `spent`. Returns what to tell people, nil as a rule.
  mutating func charge(_ nic: NICIndex, spent: Nanoseconds, bytes: Int, at now: Nanoseconds) -> SlowReceiver? {
    var account = unsafe accounts[nic.value]
    guard spent > Self.dear &+ UInt64(truncatingIfNeeded: bytes / 2) else {
      if account.watchedUntil != 0, !account.isDear {
        account.cheap &+= 1
        if account.cheap >= Self.proof { account.watchedUntil = 0 }
        unsafe accounts[nic.value] = account
      }
      return nil
    }
    let passed = now > account.at ? now &- account.at : 0
    account.debt = (account.debt > passed / Self.share ? account.debt &- passed / Self.share : 0) &+ spent
    account.at = now
    if account.debt > Self.burst / 2 { account.isDear = true }
    var silence: Nanoseconds = 0
    if spent >= Self.outrageous {
      if passed > Self.memory { account.offences = 0 }
      account.offences = min(account.offences &+ 1, 8)
    }
    if spent >= Self.outrageous, account.offences > 1 {
      let factor = Self.penalty << UInt64(account.offences &- 2)
      silence = min(min(spent, Self.longestSilence) &* factor, Self.longestSilence)
      account.debt = Self.burst
    } else if account.debt > Self.burst {
      silence = min((account.debt &- Self.burst) &* Self.share, Self.longestSilence)
    }
    let isNews = silence > 0 && (account.toldAt == 0 || now &- account.toldAt >= Self.news)
    if silence > 0 { account.silentUntil = now &+ silence }
    if isNews { account.toldAt = now }
    unsafe accounts[nic.value] = account
    if silence > 0 || isWatched(nic) { watch(nic, until: now &+ silence &+ Self.watched) }
    return isNews ? SlowReceiver(nic: nic, spent: spent, silence: silence) : nil
  }

  /// `nic` is another interface from now on.
  mutating func forget(_ nic: NICIndex) { unsafe accounts[nic.value] = Account() }

  private mutating func watch(_ nic: NICIndex, until end: Nanoseconds) {
    unsafe accounts[nic.value].watchedUntil = end
    armedUntil = max(armedUntil, end)
  }

  // MARK: Threads that write one frame at a time

  enum Outcome { case sent, silent, failed }

  /// Writes `frame`, a virtio header and the frame, and times it. `tell` hears of a silence that begins.
  mutating func write(
    _ frame: [UInt8], to tap: borrowing TAP, as nic: NICIndex, _ tell: (SlowReceiver) -> Void
  ) -> Outcome {
    let began = Clock.nanoseconds()
    guard !isSilent(nic, at: began) else { return .silent }
    let before = Clock.threadNanoseconds()
    let isSent = tap.write(frame)
    let spent = Clock.threadNanoseconds() &- before
    if let news = charge(nic, spent: spent, bytes: frame.count, at: Clock.nanoseconds()) { tell(news) }
    return isSent ? .sent : .failed
  }
}
