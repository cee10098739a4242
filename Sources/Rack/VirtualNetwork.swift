public import FoundationEssentials

/// One VLAN of a project in a facility. Its traffic is a broadcast domain of its own: the same number in another
/// project or facility is another network.
public struct VirtualNetwork: Hashable, Sendable {
  public let id: NetworkID
  /// The VLAN number, within `numbers`; unique per project and facility.
  public let vxlan: Int
  /// Code of the facility.
  public let facility: String
  public let project: ProjectID
  public var description: String?
  public let createdAt: Date

  public init(id: NetworkID, vxlan: Int, facility: String, project: ProjectID, description: String?, createdAt: Date) {
    (self.id, self.vxlan, self.facility, self.project) = (id, vxlan, facility, project)
    (self.description, self.createdAt) = (description, createdAt)
  }

  /// Numbers that a caller may ask for.
  public static let numbers = 2...3999
  /// Numbers that are given out when the caller asks for none.
  public static let automaticNumbers = 1000...1999
}

/// A network as a caller names it: `1001` or a UUID. A number means the network of the server's own project and
/// facility.
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
