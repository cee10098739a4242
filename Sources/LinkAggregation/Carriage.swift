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
    /// No member carries: no link, or partner and switch have not agreed yet.
    case none
    /// No partner was heard: one member carries alone, as a link without LACP would.
    case fallback
    /// LACP rules.
    case aggregate
  }

  public var kind: Kind
  /// Members whose frames are taken.
  public var collecting: MemberSet
  /// Members that frames may be sent by; always a subset of `collecting`.
  public var distributing: MemberSet

  public init(kind: Kind, collecting: MemberSet, distributing: MemberSet) {
    self.kind = kind
    self.collecting = collecting
    self.distributing = distributing
  }

  public static let none = Carriage(kind: .none, collecting: [], distributing: [])
}
