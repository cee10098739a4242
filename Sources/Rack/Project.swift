public import FoundationEssentials

/// A tenant. Two tenants' networks never meet.
public struct Project: Hashable, Sendable {
  public let id: ProjectID
  /// 1 to 80 characters, unique in the rack.
  public var name: String
  public let createdAt: Date

  public init(id: ProjectID, name: String, createdAt: Date) {
    (self.id, self.name, self.createdAt) = (id, name, createdAt)
  }

  /// Name of the project that every rack begins with.
  public static let defaultName = "default"
}
