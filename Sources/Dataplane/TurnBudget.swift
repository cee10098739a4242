import Switching

/// Which NICs a worker reads in a turn, in what order, and how much: shares of the worker's time.
///
/// ## How it works
/// What a frame costs is the time that the worker spends on it, measured once for each batch: copies, bytes and the
/// receiver's own stack, which runs within our write, count by what they really take. Each NIC has an account of the
/// time that it has used. Of the NICs that are ready, the one that has used least is read first. A NIC that was idle
/// begins where those stand that use most sparingly now: it saves nothing up and is ahead of everybody who has frames
/// all the time. This is deficit round robin with time as what is shared, and fair queueing's order (Shreedhar and
/// Varghese 1995; Goyal, Vin and Cheng 1996).
///
/// A turn ends after `turn`, even when NICs are left that have not been read: their frames stay in the kernel's queue,
/// they are ready in the next turn still, and have used less than those that were read. So who sends now and then waits
/// for one turn and one batch, however many others flood. A batch of a NIC whose frames are dear is small: as many
/// frames as fit in `slice` by what its frames cost lately.
///
/// A NIC is read once a turn. One whose full batch takes less than its share of the turn gets that batch each turn, and
/// the others share what is left.
///
/// ## Invariants
/// 1. A turn in which a NIC is ready serves one at least.
/// 2. No NIC's account is behind `clock` when the order is made, so an idle NIC cannot keep others waiting afterwards.
/// 3. A batch is 1...64 frames. A frame is not divided: a flood to all ports of a domain is one piece.
///
/// ## Threads
/// The worker's. The clock is an argument, nanoseconds.
@safe struct TurnBudget: ~Copyable {
  /// How long a turn goes on beginning batches.
  static let turn: Nanoseconds = 400_000
  /// How long a batch should take.
  static let slice: Nanoseconds = 200_000
  /// Most that one batch is charged for: that the machine took the core away is not the NIC's fault.
  static let chargeLimit: Nanoseconds = 20_000_000
  /// What a write usually takes, beside a third of a nanosecond a byte.
  static let perWrite: Nanoseconds = 2_000
  static let batchLimit = 64
  /// NICs that can be noted in a turn.
  static let readyLimit = 64

  private struct Account: BitwiseCopyable {
    /// On the common scale of `clock`, which goes on only while NICs are read.
    var used: Nanoseconds = 0
    /// Nanoseconds that a frame took lately, as far as its writes and bytes explain them, or the batch before took as
    /// long: that the machine took the core away once says nothing about the next frame. It rises at once and falls
    /// slowly, so that a NIC which is cheap for a while and dear all of a sudden gains little.
    var frameCost: UInt32 = 0
    /// Nanoseconds that a frame of the last batch took.
    var last: UInt32 = 0
  }

  private struct Ready: BitwiseCopyable {
    var used: Nanoseconds
    var nic: NICIndex
  }

  private let accounts: UnsafeMutablePointer<Account>
  private let ready: UnsafeMutablePointer<Ready>
  private var count = 0
  private var served = 0
  /// What the NIC had used that was first in the last turn.
  private var clock: Nanoseconds = 0
  private var began: Nanoseconds = 0
  /// When the last batch ended, or the turn began.
  private var marked: Nanoseconds = 0

  init(nics: Int) {
    unsafe accounts = .allocate(capacity: nics)
    unsafe accounts.initialize(repeating: Account(), count: nics)
    unsafe ready = .allocate(capacity: Self.readyLimit)
    unsafe ready.initialize(repeating: Ready(used: 0, nic: NICIndex(0)), count: Self.readyLimit)
  }

  deinit {
    unsafe accounts.deallocate()
    unsafe ready.deallocate()
  }

  // MARK: A turn, in this order

  mutating func begin(at now: Nanoseconds) {
    count = 0
    served = 0
    began = now
    marked = now
  }

  /// `nic` has frames; each NIC once. More than `readyLimit` wait for the next turn.
  mutating func note(_ nic: NICIndex) {
    guard count < Self.readyLimit else { return }
    let used = unsafe max(accounts[nic.value].used, clock)
    // Insertion from behind keeps the order; of equals the one noted first is first.
    var place = count
    while place > 0, unsafe ready[place - 1].used > used {
      unsafe ready[place] = ready[place - 1]
      place &-= 1
    }
    unsafe ready[place] = Ready(used: used, nic: nic)
    count &+= 1
  }

  /// Whom to read now; nil: the turn is over.
  mutating func next() -> NICIndex? {
    guard served < count else { return nil }
    let first = unsafe ready[served]
    if served == 0 {
      clock = first.used
    } else if marked &- began >= Self.turn {
      return nil
    }
    served &+= 1
    return first.nic
  }

  /// How many frames to read from `nic`.
  borrowing func frames(of nic: NICIndex) -> Int {
    let cost = unsafe UInt32(accounts[nic.value].frameCost)
    guard cost > UInt32(Self.slice) / UInt32(Self.batchLimit) else { return Self.batchLimit }
    return max(1, Int(UInt32(Self.slice) / cost))
  }

  /// A batch of `frames` frames of `nic`, which `next` gave last, is done; it was `writes` writes of `bytes` bytes in
  /// all. Returns how long it took.
  @discardableResult
  mutating func charge(_ nic: NICIndex, frames: Int, writes: Int = 0, bytes: Int = 0, at now: Nanoseconds)
    -> Nanoseconds
  {
    let taken = now &- marked
    let spent = min(taken, Self.chargeLimit)
    marked = now
    var account = unsafe accounts[nic.value]
    account.used = max(account.used, clock) &+ spent
    if frames > 0 {
      let each = UInt32(truncatingIfNeeded: spent / UInt64(frames))
      let explained = Self.perWrite &* UInt64(truncatingIfNeeded: writes) &+ UInt64(truncatingIfNeeded: bytes / 3)
      let likely = UInt32(truncatingIfNeeded: min(explained, Self.chargeLimit) / UInt64(frames))
      let cost = min(each, max(likely, account.last))
      account.last = each
      account.frameCost = cost >= account.frameCost ? cost : account.frameCost &- (account.frameCost &- cost) / 4
    }
    unsafe accounts[nic.value] = account
    return taken
  }

  /// `nic` is another interface from now on.
  mutating func forget(_ nic: NICIndex) { unsafe accounts[nic.value] = Account() }
}
