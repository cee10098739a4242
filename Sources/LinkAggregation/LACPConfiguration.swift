public import Net

/// What the switch says of itself in the LACPDUs of one bond.
public struct LACPConfiguration: Equatable, Sendable, BitwiseCopyable {
  /// The same for all bonds of the rack; also the source of the frames.
  public var system: MACAddress
  public var systemPriority: UInt16
  /// One per server: links with equal keys may be put together, others never.
  public var key: UInt16
  /// Asks the partner for an LACPDU each second and gives up after 3 s of silence, instead of 30 s and 90 s. As long as
  /// nobody was heard it also says how often we call.
  public var fastRate: Bool
  /// The server's bond needs no LACP (balance-tlb and its like): without a partner the frames of all members are taken.
  /// A partner that speaks LACP all the same is obeyed.
  public var isStatic: Bool

  /// The standard's default. Lower is better; only matters to a partner that has more links than it can use.
  public static let portPriority: UInt16 = 0x8000

  public init(
    system: MACAddress, systemPriority: UInt16 = 0x8000, key: UInt16, fastRate: Bool = false, isStatic: Bool = false
  ) {
    self.system = system
    self.systemPriority = systemPriority
    self.key = key
    self.fastRate = fastRate
    self.isStatic = isStatic
  }
}
