public import FoundationEssentials
public import Net

/// An elastic block: public IPv4 addresses that a project keeps, whatever becomes of its servers.
///
/// It answers only while it, or a part of it, is assigned to a server (`BlockAssignment`).
public struct Reservation: Hashable, Sendable {
  public let id: ReservationID
  public let project: ProjectID
  /// Code of the facility whose pool it is from.
  public let facility: String
  /// IPv4, of a length within `lengths`.
  public let block: IPPrefix
  public var note: Note
  /// The lab that it belongs to, and its name there.
  public var membership: LabMembership?
  public let createdAt: Date

  /// What its owner wrote on it; the rack only keeps it.
  public struct Note: Hashable, Sendable {
    public var details: String?
    public var tags: [String]
    /// A JSON object as text.
    public var customdata: String

    public init(details: String? = nil, tags: [String] = [], customdata: String = "{}") {
      (self.details, self.tags, self.customdata) = (details, tags, customdata)
    }
  }

  public init(
    id: ReservationID, project: ProjectID, facility: String, block: IPPrefix, note: Note = Note(),
    membership: LabMembership? = nil, createdAt: Date
  ) {
    (self.id, self.project, self.facility) = (id, project, facility)
    (self.block, self.note, self.membership, self.createdAt) = (block, note, membership, createdAt)
  }

  /// Sizes of a block: eight addresses to one.
  public static let lengths = 29...32
}

/// A reservation, or a part of one, routed to a server by its public IPv4 address.
public struct BlockAssignment: Hashable, Sendable {
  public let id: AssignmentID
  public let reservation: ReservationID
  /// Lies in the reservation's block, and meets no other assignment.
  public let block: IPPrefix
  public let createdAt: Date

  public init(id: AssignmentID, reservation: ReservationID, block: IPPrefix, createdAt: Date) {
    (self.id, self.reservation) = (id, reservation)
    (self.block, self.createdAt) = (block, createdAt)
  }
}
