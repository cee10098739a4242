// The members of virtual networks that tables show.

/// A virtual network.
struct Network: Decodable {
  struct Brief: Decodable { let id: String, vxlan: Int }
  struct Link: Decodable { let href: String }
  struct Project: Decodable { let id: String, name: String }

  let id: String, vxlan: Int, facilityCode: String?, metroCode: String?, description: String?
  let assignedTo: Project, instances: [Link]

  /// "ewr1", or "metro ny" when it reaches all of a metro.
  var place: String { facilityCode ?? "metro \(metroCode ?? "?")" }
}

struct NetworkList: Decodable { let virtualNetworks: [Network] }

/// That a network is on a port.
struct VLANAssignment: Decodable {
  let id: String, vlan: Int, native: Bool, state: String, createdAt: String
}

struct VLANAssignmentList: Decodable { let vlanAssignments: [VLANAssignment] }

/// Several changes of a port at once.
struct AssignmentBatch: Decodable {
  let state: String, errorMessages: [String]?
}
