public import FoundationEssentials

/// A tenant. Two tenants' networks never meet.
public struct Project: Hashable, Sendable {
  public let id: ProjectID
  /// 1 to 80 characters, unique in the rack.
  public var name: String
  /// A JSON object as text; the rack only keeps it.
  public var customdata: String
  /// Whether its servers may use the backend network between facilities: kept for clients, without effect.
  public var backendTransfer: Bool
  public let createdAt: Date
  public var updatedAt: Date

  public init(
    id: ProjectID, name: String, customdata: String = "{}", backendTransfer: Bool = false, createdAt: Date,
    updatedAt: Date? = nil
  ) {
    (self.id, self.name, self.customdata, self.backendTransfer) = (id, name, customdata, backendTransfer)
    (self.createdAt, self.updatedAt) = (createdAt, updatedAt ?? createdAt)
  }

  /// Name of the project that every rack begins with.
  public static let defaultName = "default"
}
