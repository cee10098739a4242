public import FoundationEssentials

/// A server type: what the machine is said to be, and which network modes it can have.
public struct Plan: Hashable, Sendable {
  /// How far a server of this plan can leave layer 3.
  public enum Layer2: String, Hashable, Sendable, Codable {
    /// `layer3` only.
    case none
    /// `layer3` and `hybrid`; new servers are hybrid.
    case hybridOnly = "hybrid"
    case all
  }

  /// A number of equal parts: processors, drives or NICs.
  public struct Part: Hashable, Sendable, Codable {
    public let count: Int
    public let type: String
    /// Capacity as the API words it (`480GB`); drives only.
    public let size: String?
  }

  public let id: UUID
  /// `c3.small.x86`.
  public let slug: String
  /// What the plan was called in the API's first years, `baremetal_0`; accepted wherever a slug is.
  public let legacySlug: String?
  public let name: String
  /// One sentence for people.
  public let summary: String
  public let layer2: Layer2
  /// How the server is told to bond its NICs.
  public let bondingMode: BondingMode
  public let processors: [Part]
  /// As the API words it: `32GB`.
  public let memory: String
  public let drives: [Part]
  public let nics: [Part]
  /// US dollars.
  public let pricePerHour: Double
  /// A plan of the first years, which facilities of the newer generation never had. Built-in ones are those with a name
  /// of that time.
  public let isRetired: Bool

  /// The modes to which a server of this plan can be taken.
  public var modes: [NetworkMode] {
    switch layer2 {
    case .none: [.layer3]
    case .hybridOnly: [.layer3, .hybrid]
    case .all: NetworkMode.settable
    }
  }

  /// Whether a server of this plan can be in `mode`.
  public func allows(_ mode: NetworkMode) -> Bool {
    modes.contains(mode) || mode == .hybridBonded && layer2 == .all
  }

  /// Codes of the facilities that have machines of it.
  public var facilities: [String] { Catalogue.facilities.filter { $0.has(self) }.map(\.code) }

  /// The mode of a new server.
  public var initialMode: NetworkMode { layer2 == .hybridOnly ? .hybrid : .layer3 }

  fileprivate init(
    _ slug: String, legacy: String? = nil, layer2: Layer2 = .all, bondingMode: BondingMode = .lacp, cpu: (Int, String),
    memory: String, drives: [Part], nics: String, price: Double
  ) {
    id = UUID(naming: "toprack plan \(slug)")
    self.slug = slug
    legacySlug = legacy
    name = slug
    processors = [Part(count: cpu.0, type: cpu.1, size: nil)]
    self.memory = memory
    self.drives = drives
    self.nics = [Part(count: 2, type: nics, size: nil)]
    summary = Self.summary(processors, memory, self.nics)
    self.layer2 = layer2
    self.bondingMode = bondingMode
    pricePerHour = price
    isRetired = legacy != nil
  }

  private static func summary(_ processors: [Part], _ memory: String, _ nics: [Part]) -> String {
    func words(_ parts: [Part]) -> String { parts.map { "\($0.count) x \($0.type)" }.joined(separator: " + ") }
    return "\(words(processors)), \(memory) of memory, \(words(nics))"
  }
}

extension Plan.Part {
  fileprivate static func ssd(_ count: Int, _ size: String) -> Self { Self(count: count, type: "SSD", size: size) }
  fileprivate static func hdd(_ count: Int, _ size: String) -> Self { Self(count: count, type: "HDD", size: size) }
  fileprivate static func nvme(_ count: Int, _ size: String) -> Self { Self(count: count, type: "NVMe", size: size) }
}

extension Catalogue {
  /// The three that differ in layer 2 come last.
  static let builtInPlans = [
    Plan(
      "c3.small.x86", cpu: (1, "Xeon E-2278G 8-core"), memory: "32GB", drives: [.ssd(2, "480GB")], nics: "10Gbps",
      price: 0.5),
    Plan(
      "c3.medium.x86", cpu: (1, "EPYC 7402P 24-core"), memory: "64GB", drives: [.ssd(2, "480GB")], nics: "10Gbps",
      price: 1.1),
    Plan(
      "c2.medium.x86", cpu: (1, "EPYC 7401P 24-core"), memory: "64GB", drives: [.ssd(2, "480GB")], nics: "10Gbps",
      price: 1.0),
    Plan(
      "m2.xlarge.x86", cpu: (2, "Xeon Gold 5120 14-core"), memory: "384GB",
      drives: [.ssd(2, "120GB"), .nvme(1, "3.8TB")], nics: "10Gbps", price: 2.0),
    Plan(
      "m3.large.x86", cpu: (1, "EPYC 7502P 32-core"), memory: "256GB", drives: [.ssd(2, "480GB"), .nvme(2, "3.8TB")],
      nics: "25Gbps", price: 3.1),
    Plan(
      "m3.small.x86", cpu: (1, "Xeon E-2378G 8-core"), memory: "64GB", drives: [.ssd(2, "480GB")], nics: "25Gbps",
      price: 1.05),
    // The original has four NICs and two bonds; here it has the first two.
    Plan(
      "n2.xlarge.x86", cpu: (2, "Xeon Gold 5120 14-core"), memory: "384GB",
      drives: [.ssd(2, "120GB"), .nvme(1, "3.8TB")],
      nics: "10Gbps", price: 2.25),
    Plan(
      "s3.xlarge.x86", cpu: (2, "Xeon 4214 12-core"), memory: "192GB", drives: [.ssd(2, "960GB"), .hdd(12, "8TB")],
      nics: "10Gbps", price: 2.95),
    Plan(
      "m1.xlarge.x86", legacy: "baremetal_2", cpu: (2, "Xeon E5-2650 v4 12-core"), memory: "256GB",
      drives: [.ssd(6, "480GB")], nics: "10Gbps", price: 1.7),
    Plan(
      "c1.xlarge.x86", legacy: "baremetal_3", cpu: (2, "Xeon E5-2640 v3 8-core"), memory: "128GB",
      drives: [.ssd(2, "120GB"), .nvme(1, "1.6TB")], nics: "10Gbps", price: 1.75),
    Plan(
      "s1.large.x86", legacy: "baremetal_s", cpu: (2, "Xeon E5-2620 v4 8-core"), memory: "128GB",
      drives: [.ssd(2, "480GB"), .hdd(12, "2TB")], nics: "10Gbps", price: 1.5),
    Plan(
      "c1.large.arm", legacy: "baremetal_2a", cpu: (2, "ThunderX 48-core"), memory: "128GB",
      drives: [.ssd(1, "240GB")], nics: "10Gbps", price: 0.5),
    Plan(
      "t1.small.x86", legacy: "baremetal_0", layer2: .none, bondingMode: .balanceTLB, cpu: (1, "Atom C2550 4-core"),
      memory: "8GB", drives: [.ssd(1, "80GB")], nics: "1Gbps", price: 0.07),
    Plan(
      "c1.small.x86", legacy: "baremetal_1", layer2: .none, cpu: (1, "Xeon E3-1240 v3 4-core"), memory: "32GB",
      drives: [.ssd(2, "120GB")], nics: "1Gbps", price: 0.4),
    Plan(
      "x1.small.x86", legacy: "baremetal_1e", layer2: .hybridOnly, bondingMode: .balanceTLB,
      cpu: (1, "Xeon E3-1578L v5 4-core"),
      memory: "32GB", drives: [.ssd(1, "240GB")], nics: "10Gbps", price: 0.4),
  ]
}

/// As text: `slug`, and what else is given; `Catalogue` has the list.
extension Plan: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case slug, layer2, retired, processors, memory, drives, nics
    case legacySlug = "legacy_slug"
    case bondingMode = "bonding_mode"
    case pricePerHour = "price_per_hour"
  }

  public init(from decoder: any Decoder) throws {
    let entries = try decoder.entries(CodingKeys.self)
    slug = try entries.decode(String.self, forKey: .slug)
    legacySlug = try entries.decodeIfPresent(String.self, forKey: .legacySlug)
    layer2 = try entries.decodeIfPresent(Layer2.self, forKey: .layer2) ?? .all
    bondingMode = try entries.decodeIfPresent(BondingMode.self, forKey: .bondingMode) ?? .lacp
    isRetired = try entries.decodeIfPresent(Bool.self, forKey: .retired) ?? false
    processors = try entries.decodeIfPresent([Part].self, forKey: .processors) ?? []
    memory = try entries.decodeIfPresent(String.self, forKey: .memory) ?? "0GB"
    drives = try entries.decodeIfPresent([Part].self, forKey: .drives) ?? []
    nics =
      try entries.decodeIfPresent([Part].self, forKey: .nics)
      ?? [Part(count: PortName.nics.count, type: "10Gbps", size: nil)]
    pricePerHour = try entries.decodeIfPresent(Double.self, forKey: .pricePerHour) ?? 0
    id = UUID(naming: "toprack plan \(slug)")
    name = slug
    summary = Self.summary(processors, memory, nics)
  }

  public func encode(to encoder: any Encoder) throws {
    var entries = encoder.container(keyedBy: CodingKeys.self)
    try entries.encode(slug, forKey: .slug)
    try entries.encodeIfPresent(legacySlug, forKey: .legacySlug)
    try entries.encode(layer2, forKey: .layer2)
    try entries.encode(bondingMode, forKey: .bondingMode)
    try entries.encode(isRetired, forKey: .retired)
    try entries.encode(processors, forKey: .processors)
    try entries.encode(memory, forKey: .memory)
    try entries.encode(drives, forKey: .drives)
    try entries.encode(nics, forKey: .nics)
    try entries.encode(pricePerHour, forKey: .pricePerHour)
  }
}
