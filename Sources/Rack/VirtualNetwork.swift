public import FoundationEssentials

/// How far a virtual network reaches: one facility, or all of a metro.
public enum NetworkPlace: Hashable, Sendable {
  /// Code of the facility.
  case facility(String)
  /// Code of the metro.
  case metro(String)

  public var code: String {
    switch self {
    case .facility(let code), .metro(let code): code
    }
  }

  /// `facility ewr1`, `metro ny`.
  public var words: String {
    switch self {
    case .facility(let code): "facility \(code)"
    case .metro(let code): "metro \(code)"
    }
  }

  /// Whether servers of that facility are within.
  public func reaches(facility code: String) -> Bool {
    switch self {
    case .facility(let own): own == code
    case .metro(let own): Catalogue.facility(code)?.metro == own
    }
  }
}

/// One VLAN of a project in a facility or a metro. Its traffic is a broadcast domain of its own: the same number in
/// another project or place is another network.
public struct VirtualNetwork: Hashable, Sendable {
  public let id: NetworkID
  /// The VLAN number, within `numbers`; unique per project and place.
  public let vxlan: Int
  public let place: NetworkPlace
  public let project: ProjectID
  public var description: String?
  public var tags: [String]
  /// The lab that it belongs to, and its name there.
  public var membership: LabMembership?
  public let createdAt: Date

  public init(
    id: NetworkID, vxlan: Int, place: NetworkPlace, project: ProjectID, description: String?, tags: [String] = [],
    membership: LabMembership? = nil, createdAt: Date
  ) {
    (self.id, self.vxlan, self.place, self.project) = (id, vxlan, place, project)
    (self.description, self.tags, self.membership, self.createdAt) = (description, tags, membership, createdAt)
  }

  /// Code of the facility; `nil` for a network of a metro.
  public var facility: String? { if case .facility(let code) = place { code } else { nil } }
  /// Code of the metro that it reaches, or lies in.
  public var metro: String {
    switch place {
    case .facility(let code): Catalogue.facility(code)?.metro ?? ""
    case .metro(let code): code
    }
  }

  /// Numbers that a caller may ask for.
  public static let numbers = 2...3999
  /// Numbers that are given out when the caller asks for none.
  public static let automaticNumbers = 1000...1999
}

/// A network as a caller names it: `1001` or a UUID. A number means the network of the server's own project, in its
/// facility before its metro.
public enum NetworkReference: Hashable, Sendable {
  case number(Int)
  case id(NetworkID)

  /// Reads a decimal number or a UUID; `nil` for anything else. Whether the number is valid is decided when it is used.
  public init?(_ text: some StringProtocol) {
    if let id = NetworkID(text) {
      self = .id(id)
    } else if text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(text) {
      self = .number(number)
    } else {
      return nil
    }
  }
}
