/// A set of members of a bond, by number.
public struct MemberSet: OptionSet, Hashable, Sendable, BitwiseCopyable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }
  /// The one member `index`, 0 or 1.
  public init(member index: Int) { rawValue = 1 << UInt8(index) }

  public func contains(member index: Int) -> Bool { contains(MemberSet(member: index)) }
  public var count: Int { rawValue.nonzeroBitCount }
}

/// By which members frames cross the bond: what the forwarding plane needs to know of it, and all that it needs.
public struct Carriage: Equatable, Sendable, BitwiseCopyable {
  public enum Kind: Equatable, Sendable, BitwiseCopyable {
    /// No member carries: no link is up, or what comes in by it is our own.
    case none
    /// No member distributes by LACP: one carries alone, as a link without LACP would.
    case fallback
    /// LACP rules.
    case aggregate
  }

  public var kind: Kind
  /// Members whose frames are taken.
  public var collecting: MemberSet
  /// Members that frames may be sent by; always a subset of `collecting`.
  public var distributing: MemberSet
  /// Of `collecting`, those that LACP has opened: they stay open, whichever member carries alone.
  public var opened: MemberSet
  /// Members that must not carry alone: what comes in by them is our own.
  public var barred: MemberSet

  /// An aggregate's members are all opened by LACP.
  public init(
    kind: Kind, collecting: MemberSet, distributing: MemberSet, opened: MemberSet? = nil, barred: MemberSet = []
  ) {
    self.kind = kind
    self.collecting = collecting
    self.distributing = distributing
    self.opened = opened ?? (kind == .aggregate ? collecting : [])
    self.barred = barred
  }

  public static let none = Carriage(kind: .none, collecting: [], distributing: [])

  /// What holds of both.
  func intersection(_ other: Carriage) -> Carriage {
    Carriage(
      kind: kind, collecting: collecting.intersection(other.collecting),
      distributing: distributing.intersection(other.distributing), opened: opened.intersection(other.opened),
      barred: barred.intersection(other.barred))
  }
}
