public import FoundationEssentials

/// A metropolitan area; facilities lie in one.
public struct Metro: Hashable, Sendable {
  public let id: UUID
  /// Two lower-case letters.
  public let code: String
  public let name: String
  /// ISO 3166-1 alpha-2.
  public let country: String

  init(_ code: String, _ name: String, _ country: String) {
    (self.code, self.name, self.country) = (code, name, country)
    id = UUID(naming: "toprack metro \(code)")
  }
}

/// A datacenter. Address pools belong to one and never cross it; a virtual network reaches one, or all of a metro.
public struct Facility: Hashable, Sendable {
  public let id: UUID
  /// Three letters and a digit: `ewr1`.
  public let code: String
  public let name: String
  /// Code of the metro.
  public let metro: String
  /// Words of the API's enumeration; `layer_2` among them.
  public let features: [String]
  /// Which share of each range of the default `AddressPlan` is this facility's, 0...15. Fixed for ever: addresses on disk
  /// depend on it.
  let share: Int

  init(_ code: String, _ name: String, metro: String, share: Int) {
    (self.code, self.name, self.metro, self.share) = (code, name, metro, share)
    id = UUID(naming: "toprack facility \(code)")
    features = ["baremetal", "backend_transfer", "layer_2", "global_ipv4"]
  }
}

extension Catalogue {
  public static let metros = [
    Metro("ny", "New York", "US"), Metro("sv", "Silicon Valley", "US"), Metro("da", "Dallas", "US"),
    Metro("am", "Amsterdam", "NL"), Metro("fr", "Frankfurt", "DE"), Metro("ty", "Tokyo", "JP"),
    Metro("sg", "Singapore", "SG"), Metro("sy", "Sydney", "AU"),
  ]

  public static let facilities = [
    Facility("ewr1", "Parsippany, NJ", metro: "ny", share: 0),
    Facility("sjc1", "Sunnyvale, CA", metro: "sv", share: 1),
    Facility("dfw2", "Dallas, TX", metro: "da", share: 2),
    Facility("ams1", "Amsterdam, NL", metro: "am", share: 3),
    Facility("fra2", "Frankfurt, DE", metro: "fr", share: 4),
    Facility("nrt1", "Tokyo, JP", metro: "ty", share: 5),
    Facility("sin3", "Singapore, SG", metro: "sg", share: 6),
    Facility("syd2", "Sydney, AU", metro: "sy", share: 7),
  ]
}
