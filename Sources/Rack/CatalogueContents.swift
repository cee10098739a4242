/// All entries of a catalogue: what is built in, or an operator's own. As text (a YAML file of the daemon, JSON to
/// other programs) it has four lists, of which those that are absent are the built-in ones:
///
///     metros:             code, name, country
///     facilities:         code, name, metro; features (baremetal, backend_transfer, layer_2 and global_ipv4 unless given), share
///     plans:              slug; legacy_slug, layer2 (none, hybrid or all), bonding_mode (4 or 5), retired,
///                         processors, drives and nics (lists of count, type and size), memory, price_per_hour
///     operating_systems:  slug, name, distro, version
public struct CatalogueContents: Hashable, Sendable, Codable {
  public var metros: [Metro]
  public var facilities: [Facility]
  public var plans: [Plan]
  public var operatingSystems: [OperatingSystem]

  /// Today's, for whom no file says otherwise.
  public static let builtIn = CatalogueContents(
    metros: Catalogue.builtInMetros, facilities: Catalogue.builtInFacilities, plans: Catalogue.builtInPlans,
    operatingSystems: Catalogue.builtInOperatingSystems)

  enum CodingKeys: String, CodingKey, CaseIterable {
    case metros, facilities, plans
    case operatingSystems = "operating_systems"
  }

  init(metros: [Metro], facilities: [Facility], plans: [Plan], operatingSystems: [OperatingSystem]) {
    (self.metros, self.facilities) = (metros, facilities)
    (self.plans, self.operatingSystems) = (plans, operatingSystems)
  }

  public init(from decoder: any Decoder) throws {
    let entries = try decoder.entries(CodingKeys.self)
    metros = try entries.decodeIfPresent([Metro].self, forKey: .metros) ?? Self.builtIn.metros
    facilities = try entries.decodeIfPresent([Facility].self, forKey: .facilities) ?? Self.builtIn.facilities
    plans = try entries.decodeIfPresent([Plan].self, forKey: .plans) ?? Self.builtIn.plans
    operatingSystems =
      try entries.decodeIfPresent([OperatingSystem].self, forKey: .operatingSystems) ?? Self.builtIn.operatingSystems
    giveShares()
  }

  /// Facilities without a share get the free ones in order.
  private mutating func giveShares() {
    var free = Set(Facility.shares).subtracting(facilities.map(\.share)).sorted()[...]
    for index in facilities.indices where facilities[index].share == Facility.noShare {
      facilities[index].share = free.popFirst() ?? Facility.noShare
    }
  }

  /// What is wrong with it, a line each; empty when it can be used.
  public var faults: [String] {
    var found: [String] = []
    func check<Entry>(_ entries: [Entry], _ kind: String, _ name: (Entry) -> String) {
      if entries.isEmpty { found.append("there is no \(kind); give at least one") }
      var seen: Set<String> = []
      for entry in entries {
        let text = name(entry)
        if !Names.isCode(text) {
          found.append(
            "\(kind) \(text.quoted) is not valid; valid are 1 to 40 lower-case letters, digits, \".\", \"_\" and \"-\"")
        }
        if !seen.insert(text).inserted { found.append("\(kind) \(text.quoted) is there twice") }
      }
    }
    check(metros, "metro") { $0.code }
    check(facilities, "facility") { $0.code }
    check(plans, "plan") { $0.slug }
    check(operatingSystems, "operating system") { $0.slug }
    for facility in facilities {
      if !metros.contains(where: { $0.code == facility.metro }) {
        found.append("facility \(facility.code) is in metro \(facility.metro.quoted), which is not in the catalogue")
      }
      if let word = facility.features.first(where: { !Facility.knownFeatures.contains($0) }) {
        found.append(
          "facility \(facility.code) has the feature \(word.quoted); valid are \(Facility.knownFeatures.listed())")
      }
      if !facility.features.contains("layer_2") {
        found.append("facility \(facility.code) lacks the feature layer_2, which every facility has here")
      }
      if !Facility.shares.contains(facility.share) {
        found.append("facility \(facility.code) has no share of the addresses; there are 16, shares 0 to 15")
      }
    }
    if Set(facilities.map(\.share)).count != facilities.count {
      found.append("two facilities have one share of the addresses; each has its own, of 0 to 15")
    }
    let names = plans.flatMap { [$0.slug] + [$0.legacySlug].compactMap(\.self) }
    if Set(names).count != names.count { found.append("two plans have one slug or legacy_slug") }
    for plan in plans {
      if plan.nics.reduce(0, { $0 + $1.count }) != PortName.nics.count {
        found.append("plan \(plan.slug) must have \(PortName.nics.count) NICs: every server has eth0 and eth1")
      }
    }
    return found
  }
}

extension Decoder {
  /// The members of an object; throws for one that nobody asks for, which is a misspelt one.
  func entries<Keys: CodingKey & CaseIterable>(_ keys: Keys.Type) throws -> KeyedDecodingContainer<Keys> {
    let known = Keys.allCases.map(\.stringValue)
    for key in try container(keyedBy: AnyKey.self).allKeys where !known.contains(key.stringValue) {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(
          codingPath: codingPath,
          debugDescription: "\(key.stringValue.quoted) is not known here; valid are \(known.listed())"))
    }
    return try container(keyedBy: keys)
  }
}

private struct AnyKey: CodingKey {
  let stringValue: String
  var intValue: Int? { nil }
  init(stringValue: String) { self.stringValue = stringValue }
  init?(intValue: Int) { nil }
}
