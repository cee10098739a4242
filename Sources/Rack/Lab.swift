public import FoundationEssentials
public import Net

/// A set of servers, networks and elastic blocks of one project that one file describes.
///
/// The rack keeps what was applied, and knows nothing of files: to it that is text. What belongs to a lab says so
/// itself (`LabMembership`).
public struct Lab: Hashable, Sendable {
  public let id: LabID
  /// 1 to 32 of a-z, 0-9 and "-"; unique in its project.
  public let name: String
  public let project: ProjectID
  /// From 1; one more with each change of the lab or of anything that belongs to it, whoever makes it.
  public var generation: Int
  /// What was applied last; empty when the lab was destroyed since.
  public var applied: String
  /// By name, at most `Rack.checkpointsPerLabLimit`. They are there still when the lab is destroyed.
  public var checkpoints: [String: String]
  public let createdAt: Date
  public var updatedAt: Date

  public init(
    id: LabID, name: String, project: ProjectID, generation: Int = 1, applied: String = "",
    checkpoints: [String: String] = [:], createdAt: Date, updatedAt: Date? = nil
  ) {
    (self.id, self.name, self.project, self.generation) = (id, name, project, generation)
    (self.applied, self.checkpoints) = (applied, checkpoints)
    (self.createdAt, self.updatedAt) = (createdAt, updatedAt ?? createdAt)
  }

  /// The tag that shows people whose something is.
  public var tag: String { "lab=\(name)" }
}

/// That something belongs to a lab, and what it is called there. No two servers of a lab have one name, nor two
/// networks, nor two blocks. A server keeps that name when its hostname is changed by hand.
public struct LabMembership: Hashable, Sendable {
  public var lab: LabID
  public var name: String

  public init(lab: LabID, name: String) { (self.lab, self.name) = (lab, name) }
}

extension Server {
  public var lab: LabID? { membership?.lab }
}

extension VirtualNetwork {
  public var lab: LabID? { membership?.lab }
}

extension Reservation {
  public var lab: LabID? { membership?.lab }
}

/// What belongs to a lab, by the names that it has there.
public struct LabBelongings: Hashable, Sendable {
  public internal(set) var servers: [String: ServerID] = [:]
  public internal(set) var networks: [String: NetworkID] = [:]
  public internal(set) var reservations: [String: ReservationID] = [:]

  public init() {}

  public var isEmpty: Bool { servers.isEmpty && networks.isEmpty && reservations.isEmpty }
}

/// Something that a lab can own.
public enum LabRecord: Hashable, Sendable {
  case server(ServerID)
  case network(NetworkID)
  case reservation(ReservationID)
}

/// What is done for labs only. Plans are made of these and of the commands that people give.
public enum LabCommand: Hashable, Sendable {
  case create(name: String, project: ProjectID, applied: String)
  /// Puts a new text in the place of the one that was applied; always a new generation.
  case update(LabID, applied: String)
  /// Its checkpoints go with it. Refused while something belongs to it.
  case delete(LabID)
  /// Keeps a state under a name, in the place of one of that name; nil forgets it. The generation stays.
  case keep(LabID, checkpoint: String, String?)
  /// What is nobody's becomes the lab's.
  case take(LabRecord, LabMembership)
  /// Servers of the lab in layer 3 have exactly these addresses afterwards, which they may exchange among each other;
  /// refused when one is somebody else's.
  case giveAddresses(LabID, [ServerID: [Address.Kind: IPPrefix]])
  /// The NICs go, and come back elsewhere; names as given, or else as they are. Addresses and MAC addresses stay.
  case move(ServerID, PlaceRequest, NICNames?)
}
