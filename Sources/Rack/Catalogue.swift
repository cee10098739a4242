import FoundationEssentials

/// What exists without anybody creating it: facilities, metros, plans and operating systems.
///
/// Each has a fixed identifier derived from its name. Entries may be added; one that a stored server can refer to is
/// never removed or renamed.
public enum Catalogue {
  /// Finds a facility by its code or its identifier, in either case.
  public static func facility(_ reference: some StringProtocol) -> Facility? { facilityIndex[reference.lowercased()] }
  /// Finds a metro by its code or its identifier, in either case.
  public static func metro(_ reference: some StringProtocol) -> Metro? { metroIndex[reference.lowercased()] }
  /// Finds a plan by its slug, its legacy slug or its identifier, in either case.
  public static func plan(_ reference: some StringProtocol) -> Plan? { planIndex[reference.lowercased()] }
  /// Finds an operating system by its slug or its identifier, in either case.
  public static func operatingSystem(_ reference: some StringProtocol) -> OperatingSystem? {
    operatingSystemIndex[reference.lowercased()]
  }

  public static let defaultFacility = facilities[0]
  public static let defaultPlan = plans[0]
  public static let defaultOperatingSystem = operatingSystems[0]

  private static let facilityIndex = index(facilities) { [$0.code, $0.id.lowercased] }
  private static let metroIndex = index(metros) { [$0.code, $0.id.lowercased] }
  private static let planIndex = index(plans) { [$0.slug, $0.id.lowercased] + ($0.legacySlug.map { [$0] } ?? []) }
  private static let operatingSystemIndex = index(operatingSystems) { [$0.slug, $0.id.lowercased] }

  private static func index<Entry>(_ entries: [Entry], by names: (Entry) -> [String]) -> [String: Entry] {
    Dictionary(uniqueKeysWithValues: entries.flatMap { entry in names(entry).map { ($0, entry) } })
  }
}

extension UUID {
  fileprivate var lowercased: String { uuidString.lowercased() }
}
