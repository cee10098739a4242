/// How a server's operating system bonds its NICs: the plan says so, and whatever tells the server (the device, the
/// metadata, the network configuration) says the same. Raw values are those of Linux bonding.
public enum BondingMode: Int, Hashable, Sendable {
  /// LACP.
  case lacp = 4
  /// Each NIC sends, one of them receives; the switch needs to know nothing of it.
  case balanceTLB = 5

  /// As Linux bonding, netplan, ifupdown and systemd-networkd write it.
  public var name: String {
    switch self {
    case .lacp: "802.3ad"
    case .balanceTLB: "balance-tlb"
    }
  }
}

extension BondingMode: Codable {
  public init(from decoder: any Decoder) throws {
    let number = try decoder.singleValueContainer().decode(Int.self)
    guard let mode = BondingMode(rawValue: number) else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: decoder.codingPath,
          debugDescription: "\(number) is no bonding mode; valid are 4 (LACP) and 5 (balance-tlb)"))
    }
    self = mode
  }
}

extension Server {
  public var bondingMode: BondingMode { Catalogue.plan(plan)?.bondingMode ?? .lacp }
}
