public import Net

/// Which addresses each facility has to give: a range of each kind.
///
/// A setting of the daemon, not part of the state: a rack is loaded with one. The ranges of different facilities and
/// kinds never overlap.
///
/// Unless something else is set, each kind has a range that belongs to nobody on the real Internet, of which each
/// facility has a sixteenth:
///
///     kind          all facilities   a facility's share
///     public IPv4   198.18.0.0/15    /19     RFC 2544
///     private IPv4  10.64.0.0/12     /16     RFC 1918
///     public IPv6   2001:db8::/32    /36     RFC 3849
public struct AddressPlan: Hashable, Sendable {
  /// Those that are set.
  private var ranges: [Address.Kind: [String: IPPrefix]] = [:]

  /// The ranges of the table above.
  public init() {}

  /// `nil` when there is no such facility.
  public func range(of kind: Address.Kind, in facility: String) -> IPPrefix? {
    ranges[kind]?[facility]
      ?? Catalogue.facility(facility).flatMap { found in
        found.code == facility ? kind.standardRange(share: found.share) : nil
      }
  }

  /// The part of a facility's public IPv4 range that elastic blocks are from: its upper quarter.
  public func elasticRange(in facility: String) -> IPPrefix? {
    range(of: .publicIPv4, in: facility).map {
      IPPrefix($0.base + $0.size / 4 * 3, length: $0.length + 2)
    }
  }

  /// What is wrong with `range` for a kind, as a rule that it breaks; `nil` when it can be set.
  public static func fault(of range: IPPrefix, as kind: Address.Kind) -> String? {
    guard range.family == kind.family else {
      return "must be a range of IPv\(kind.family) addresses, not \(range)"
    }
    guard range.length <= kind.smallestRange else {
      return "must be a /\(kind.smallestRange) or larger, not \(range)"
    }
    return special(in: range).map { "must not have addresses of \($0), as \(range) has" }
  }

  /// The addresses in `range` that have a meaning of their own and cannot be a server's: `127.0.0.0/8 (loopback)`.
  public static func special(in range: IPPrefix) -> String? {
    specialRanges.first { $0.range.overlaps(range) }.map { "\($0.range) (\($0.name))" }
  }

  /// - Precondition: `fault(of:as:)` finds nothing, and the facility exists.
  public mutating func setRange(_ range: IPPrefix, of kind: Address.Kind, in facility: String) {
    precondition(
      Self.fault(of: range, as: kind) == nil && self.range(of: kind, in: facility) != nil, "a range that cannot be")
    ranges[kind, default: [:]][facility] = range
  }

  /// Two ranges that overlap, by name; `nil` when there are none.
  public var overlap: (String, String)? {
    let all = named.sorted { ($0.range.base, $0.range.length) < ($1.range.base, $1.range.length) }
    for (one, other) in zip(all, all.dropFirst()) where one.range.overlaps(other.range) {
      return ("\(one.name) \(one.range)", "\(other.name) \(other.range)")
    }
    return nil
  }

  /// The range, by name, that `block` has addresses of; `nil` when there is none.
  public func holder(of block: IPPrefix) -> String? {
    named.first { $0.range.overlaps(block) }.map { "\($0.name) \($0.range)" }
  }

  /// What servers reach by the gateway of their private address: 10.0.0.0/8, and private ranges outside of it.
  public var privateRoutes: [IPPrefix] {
    let ten = IPPrefix(v4: 10 << 24, length: 8)
    let own = Catalogue.facilities.compactMap { range(of: .privateIPv4, in: $0.code) }
    let others = own.filter { !ten.contains($0) }
    return [ten] + others.sorted { $0.base < $1.base }
  }

  /// Every range, under the name of its setting, in the order of the catalogue.
  public var named: [(name: String, range: IPPrefix)] {
    Catalogue.facilities.flatMap { facility in
      Address.Kind.allCases.compactMap { kind in
        range(of: kind, in: facility.code).map { (Self.name(of: kind, in: facility.code), $0) }
      }
    }
  }

  /// The setting that has a range: `pools.ewr1.public-ipv4`.
  public static func name(of kind: Address.Kind, in facility: String) -> String { "pools.\(facility).\(kind.setting)" }

  /// Ranges with a meaning of their own, RFC 6890.
  private static let specialRanges: [(range: IPPrefix, name: String)] = [
    (IPPrefix(v4: 0, length: 8), "this network"),
    (IPPrefix(v4: 127 << 24, length: 8), "loopback"),
    (IPPrefix(v4: 169 << 24 | 254 << 16, length: 16), "link-local"),
    (IPPrefix(v4: 224 << 24, length: 4), "multicast"),
    (IPPrefix(v4: 240 << 24, length: 4), "class E"),
    (IPPrefix(v6: 0, length: 8), "loopback and IPv4-mapped"),
    (IPPrefix(v6: 0xFE80 << 112, length: 10), "link-local"),
    (IPPrefix(v6: 0xFF00 << 112, length: 8), "multicast"),
  ]
}

/// Ranges as settings.
extension AddressPlan {
  /// Why a range cannot be: what must be instead, to be read after the setting's name.
  public struct Fault: Error, Hashable, Sendable {
    public let message: String
  }

  /// Sets the range of a setting (`pools.ewr1.public-ipv4`) to what a text says; throws what is valid instead.
  public mutating func set(_ setting: String, to text: String) throws(Fault) {
    let parts = setting.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "pools", range(of: .publicIPv4, in: String(parts[1])) != nil else {
      let facilities = Catalogue.facilities.map(\.code).listed("or")
      throw Fault(message: "is not a setting; in \"pools\" each facility has its own, \(facilities)")
    }
    guard let kind = Address.Kind.allCases.first(where: { $0.setting == parts[2] }) else {
      let kinds = Address.Kind.allCases.map(\.setting) + ["uplink"]
      throw Fault(message: "is not a setting; a facility has \(kinds.listed())")
    }
    let range: IPPrefix
    do { range = try IPPrefix(reading: text) } catch { throw Fault(message: "is not valid: \(error.message)") }
    if let fault = Self.fault(of: range, as: kind) { throw Fault(message: fault) }
    setRange(range, of: kind, in: String(parts[1]))
  }
}

extension Address.Kind {
  /// Last part of the setting's name: `public-ipv4`.
  public var setting: String {
    switch self {
    case .publicIPv4: "public-ipv4"
    case .privateIPv4: "private-ipv4"
    case .publicIPv6: "public-ipv6"
    }
  }

  /// Length of the smallest range that can be set: one chunk, or twelve servers and an elastic block of eight.
  var smallestRange: Int {
    switch self {
    case .publicIPv4: 27
    case .privateIPv4: 25
    case .publicIPv6: 56
    }
  }

  fileprivate func standardRange(share: Int) -> IPPrefix {
    switch self {
    case .publicIPv4: IPPrefix(v4: 198 << 24 | 18 << 16 + UInt32(share) << 13, length: 19)
    case .privateIPv4: IPPrefix(v4: 10 << 24 | 64 << 16 + UInt32(share) << 16, length: 16)
    case .publicIPv6: IPPrefix(v6: 0x2001_0db8 << 96 + UInt128(share) << 92, length: 36)
    }
  }
}
