import FoundationEssentials
import Synchronization

/// What exists without anybody creating it: facilities, metros, plans and operating systems.
///
/// Each has a fixed identifier derived from its name. Entries may be added; one that a stored server refers to must not
/// be removed or renamed, or the rack is not loaded any more.
///
/// The same for the life of a process: the built-in one, unless `use` has said otherwise before anybody looked.
public enum Catalogue {
  public static var metros: [Metro] { current.metros }
  /// The first is the default.
  public static var facilities: [Facility] { current.facilities }
  /// In the order in which they are listed. The first is the default.
  public static var plans: [Plan] { current.plans }
  /// The first is the default. Each can be put on every plan.
  public static var operatingSystems: [OperatingSystem] { current.operatingSystems }

  public static let current = choice.withLock { choice in
    choice.isMade = true
    return choice.contents
  }

  private struct Choice {
    var contents = CatalogueContents.builtIn
    var isMade = false
  }
  private static let choice = Mutex(Choice())

  /// Makes `contents` the catalogue of this process.
  ///
  /// - Precondition: `contents.faults` is empty, and nobody has looked into the catalogue yet.
  public static func use(_ contents: CatalogueContents) {
    choice.withLock { choice in
      precondition(!choice.isMade, "the catalogue is in use")
      choice.contents = contents
    }
  }

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
