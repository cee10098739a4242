// The members of addresses and elastic blocks that tables show.

/// Addresses as `198.18.24.0/30`.
protocol Block {
  var address: String { get }
  var cidr: Int { get }
}

extension Block {
  var text: String { "\(address)/\(cidr)" }
  /// Whether a user means it: a single address can be without a length.
  func isBlock(_ reference: String) -> Bool { text == reference || cidr == 32 && address == reference }
}

struct Reservation: Decodable, Block {
  let id: String, address: String, cidr: Int, facility: Device.Facility
}

/// An address of a server, elastic or its own, with the names of both.
struct NamedAddress: Decodable, Block {
  struct Toprack: Decodable { let server: String, serverId: String, project: String, projectId: String }
  struct Parent: Decodable, Block {
    let id: String, network: String, cidr: Int
    var address: String { network }
  }
  let id: String, address: String, cidr: Int, gateway: String?, facility: Device.Facility, toprack: Toprack
  let isPublic: Bool, management: Bool, parentBlock: Parent?
  enum CodingKeys: String, CodingKey {
    case id, address, cidr, gateway, facility, toprack, isPublic = "public", management, parentBlock
  }

  var kind: String { management ? (isPublic ? "public" : "private") : "elastic" }
}

struct NamedReservation: Decodable, Block {
  struct Toprack: Decodable { let servers: [String], project: String, projectId: String }
  let id: String, address: String, cidr: Int, facility: Device.Facility, toprack: Toprack
}

struct AddressList: Decodable {
  let ipAddresses: [NamedAddress], ipReservations: [NamedReservation]
}
