// Links between NICs and the switch, and the switches of a facility.

/// One direction of a link.
struct LinkDirectionState: Decodable {
  let server: String, nic: String, direction: String
  let loss: Double, delayMs: Double, jitterMs: Double, reorder: Double, duplicate: Double, corrupt: Double
  let rateBps: Int?, seed: Int?, state: String
}

/// The link of a NIC.
struct Link: Decodable { let server: String, nic: String, state: String, text: String }

/// A facility after one of its switches has failed or was healed.
struct SwitchChange: Decodable {
  struct Switch: Decodable { let name: String, nic: String, failed: Bool }
  struct Bond: Decodable { let server: String, nic: String?, ms: Int?, text: String }
  let code: String, servers: Int, switches: [Switch], changed: Bool, bonds: [Bond]
}
