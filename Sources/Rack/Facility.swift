public import FoundationEssentials

/// A metropolitan area; facilities lie in one.
public struct Metro: Hashable, Sendable {
  public let id: UUID
  /// Two lower-case letters: `ny`.
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
  /// Two or three letters and a number: `ewr1`, `ny5`.
  public let code: String
  public let name: String
  /// Code of the metro.
  public let metro: String
  /// Words of the API's enumeration; `layer_2` among them.
  public let features: [String]
  /// Which share of each range of the default `AddressPlan` is this facility's, 0...15. Fixed for ever: addresses on
  /// disk depend on it.
  var share: Int

  public static let knownFeatures = ["baremetal", "backend_transfer", "layer_2", "global_ipv4", "ibx"]
  static let shares = 0...15
  /// Of a facility that is to be given one.
  static let noShare = -1

  /// `isNew`: it has the feature `ibx`.
  init(_ code: String, _ name: String, metro: String, share: Int, isNew: Bool = false) {
    (self.code, self.name, self.metro, self.share) = (code, name, metro, share)
    id = UUID(naming: "toprack facility \(code)")
    features = ["baremetal", "backend_transfer", "layer_2", "global_ipv4"] + (isNew ? ["ibx"] : [])
  }

  /// Whether it is one of the newer generation, whose switches carry VLANs beside what they route, and which got no
  /// machines of retired plans any more.
  var isNew: Bool { features.contains("ibx") }
  public var offersHybridBonded: Bool { isNew }

  /// Whether machines of a plan are there.
  public func has(_ plan: Plan) -> Bool { !(plan.isRetired && isNew) }
}

extension Catalogue {
  static let builtInMetros = [
    Metro("ny", "New York", "US"), Metro("sv", "Silicon Valley", "US"), Metro("da", "Dallas", "US"),
    Metro("am", "Amsterdam", "NL"), Metro("fr", "Frankfurt", "DE"), Metro("ty", "Tokyo", "JP"),
    Metro("sg", "Singapore", "SG"), Metro("sy", "Sydney", "AU"), Metro("dc", "Washington DC", "US"),
  ]

  /// The first is the default. Those of the newer generation come last, so that a metro stands for its first facility
  /// as ever.
  static let builtInFacilities = [
    Facility("ewr1", "Parsippany, NJ", metro: "ny", share: 0),
    Facility("sjc1", "Sunnyvale, CA", metro: "sv", share: 1),
    Facility("dfw2", "Dallas, TX", metro: "da", share: 2),
    Facility("ams1", "Amsterdam, NL", metro: "am", share: 3),
    Facility("fra2", "Frankfurt, DE", metro: "fr", share: 4),
    Facility("nrt1", "Tokyo, JP", metro: "ty", share: 5),
    Facility("sin3", "Singapore, SG", metro: "sg", share: 6),
    Facility("syd2", "Sydney, AU", metro: "sy", share: 7),
    Facility("ny5", "New York 5", metro: "ny", share: 8, isNew: true),
    Facility("sv15", "Silicon Valley 15", metro: "sv", share: 9, isNew: true),
    Facility("dc13", "Washington DC 13", metro: "dc", share: 10, isNew: true),
    Facility("da11", "Dallas 11", metro: "da", share: 11, isNew: true),
    Facility("am6", "Amsterdam 6", metro: "am", share: 12, isNew: true),
  ]
}

/// As text: `code`, `name`, `metro`, and `features` and `share` when given.
extension Facility: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case code, name, metro, features, share }

  public init(from decoder: any Decoder) throws {
    let entries = try decoder.entries(CodingKeys.self)
    code = try entries.decode(String.self, forKey: .code)
    name = try entries.decode(String.self, forKey: .name)
    metro = try entries.decode(String.self, forKey: .metro)
    features =
      try entries.decodeIfPresent([String].self, forKey: .features) ?? Self.knownFeatures.filter { $0 != "ibx" }
    // One that is built in keeps the addresses that it has.
    let known = CatalogueContents.builtIn.facilities.first { [code] in $0.code == code }?.share
    share = try entries.decodeIfPresent(Int.self, forKey: .share) ?? known ?? Self.noShare
    id = UUID(naming: "toprack facility \(code)")
  }

  public func encode(to encoder: any Encoder) throws {
    var entries = encoder.container(keyedBy: CodingKeys.self)
    try entries.encode(code, forKey: .code)
    try entries.encode(name, forKey: .name)
    try entries.encode(metro, forKey: .metro)
    try entries.encode(features, forKey: .features)
    try entries.encode(share, forKey: .share)
  }
}

/// As text: `code`, `name`, `country`.
extension Metro: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable { case code, name, country }

  public init(from decoder: any Decoder) throws {
    let entries = try decoder.entries(CodingKeys.self)
    self.init(
      try entries.decode(String.self, forKey: .code), try entries.decode(String.self, forKey: .name),
      try entries.decode(String.self, forKey: .country))
  }

  public func encode(to encoder: any Encoder) throws {
    var entries = encoder.container(keyedBy: CodingKeys.self)
    try entries.encode(code, forKey: .code)
    try entries.encode(name, forKey: .name)
    try entries.encode(country, forKey: .country)
  }
}
