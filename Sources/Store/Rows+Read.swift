import FoundationEssentials
import GRDB
import Net
import Rack

/// Rows into records. One pass over each table, in one read transaction.
struct RowReader {
  let db: Database

  /// The rack, or `nil` in a database that has none yet.
  func rack(plan: AddressPlan, hybridBonded: Bool?, quotas: Quotas = Quotas()) throws -> Rack? {
    guard let row = try Row.fetchOne(db, sql: "SELECT id FROM rack") else { return nil }
    guard let id = UUID(uuidString: try row.text("id")) else { throw BadColumn(name: "id") }
    var rack = Rack(empty: id, plan: plan, hybridBonded: hybridBonded, quotas: quotas)
    rack.apply(
      try projects() + labs() + tokens() + sshKeys() + networks() + reservations() + pools() + servers() + settings()
        + mirrors())
    return rack
  }

  private func settings() throws -> [Change] {
    try rows("SELECT value FROM setting WHERE name = 'aging'") { .aging(seconds: try $0.integer("value")) }
      + rows("SELECT value FROM setting WHERE name = 'lacp_fast'") { .lacpRate(fast: try $0.integer("value") == 1) }
      + failedSwitches()
  }

  private func projects() throws -> [Change] {
    try rows("SELECT * FROM project") { row in
      .project(
        Project(
          id: try row.identifier("id"), name: try row.text("name"), customdata: try row.text("customdata"),
          backendTransfer: try row.integer("backend_transfer") == 1, createdAt: try row.date("created_at"),
          updatedAt: try row.date("updated_at")))
    }
  }

  private func labs() throws -> [Change] {
    var checkpoints: [String: [String: String]] = [:]
    try each("SELECT * FROM lab_checkpoint") { row in
      checkpoints[try row.text("lab"), default: [:]][try row.text("name")] = try row.text("state")
    }
    return try rows("SELECT * FROM lab") { row in
      .lab(
        Lab(
          id: try row.identifier("id"), name: try row.text("name"), project: try row.identifier("project"),
          generation: try row.integer("generation"), applied: try row.text("applied"),
          checkpoints: checkpoints[try row.text("id"), default: [:]], createdAt: try row.date("created_at"),
          updatedAt: try row.date("updated_at")), replacing: nil)
    }
  }

  private func tokens() throws -> [Change] {
    try rows("SELECT * FROM token") { row in
      guard let digest = Data.fromDatabaseValue(row["digest"]) else { throw BadColumn(name: "digest") }
      return .token(
        AccessToken(
          id: try row.identifier("id"), name: try row.text("name"), digest: Array(digest),
          project: try row.optionalIdentifier("project"), isReadOnly: try row.integer("read_only") == 1,
          createdAt: try row.date("created_at")))
    }
  }

  private func sshKeys() throws -> [Change] {
    try rows("SELECT * FROM ssh_key") { row in
      guard let key = try? SSHPublicKey(reading: try row.text("key")) else { throw BadColumn(name: "key") }
      let project: ProjectID? = try row.optionalIdentifier("project")
      return .sshKey(
        SSHKey(
          id: try row.identifier("id"), owner: project.map { .project($0) } ?? .user, label: try row.text("label"),
          key: key, tags: try row.texts("tags"), createdAt: try row.date("created_at"),
          updatedAt: try row.date("updated_at")))
    }
  }

  private func networks() throws -> [Change] {
    try rows("SELECT * FROM network") { row in
      .network(
        VirtualNetwork(
          id: try row.identifier("id"), vxlan: try row.integer("vxlan"), place: try row.networkPlace(),
          project: try row.identifier("project"), description: row["description"], tags: try row.texts("tags"),
          membership: try row.membership(), createdAt: try row.date("created_at")))
    }
  }

  private func reservations() throws -> [Change] {
    try rows("SELECT * FROM reservation") { row in
      .reservation(
        Reservation(
          id: try row.identifier("id"), project: try row.identifier("project"), facility: try row.text("facility"),
          block: try row.elasticBlock(),
          note: Reservation.Note(
            details: row["details"], tags: try row.texts("tags"), customdata: try row.text("customdata")),
          membership: try row.membership(), createdAt: try row.date("created_at")))
    }
  }

  private func pools() throws -> [Change] {
    var chunks: [Int: [Int]] = [:]
    try each("SELECT pool, chunk FROM pool_chunk ORDER BY pool, position") { row in
      chunks[try row.integer("pool"), default: []].append(try row.integer("chunk"))
    }
    return try rows("SELECT * FROM pool_cursor") { row in
      let key = AddressPool.Key(
        facility: try row.text("facility"), kind: try row.kind(), project: try row.optionalIdentifier("project"))
      return .pool(
        AddressPool(
          key: key, chunks: chunks[try row.integer("id"), default: []], next: try row.integer("next"),
          nextElastic: try row.integer("next_elastic")))
    }
  }

  private func servers() throws -> [Change] {
    let ports = try self.ports()
    var addresses: [String: [Address]] = [:]
    try each("SELECT * FROM address ORDER BY server, position") { row in
      let kind = try row.kind()
      addresses[try row.text("server"), default: []].append(
        Address(
          id: try row.identifier("id"), kind: kind, network: try row.block(kind), createdAt: try row.date("created_at"))
      )
    }
    var blocks: [String: [BlockAssignment]] = [:]
    try each("SELECT * FROM block_assignment ORDER BY server, position") { row in
      blocks[try row.text("server"), default: []].append(
        BlockAssignment(
          id: try row.identifier("id"), reservation: try row.identifier("reservation"), block: try row.elasticBlock(),
          createdAt: try row.date("created_at")))
    }
    var lastHeld: [String: [Address.Kind: IPPrefix]] = [:]
    try each("SELECT * FROM last_held") { row in
      let kind = try row.kind()
      lastHeld[try row.text("server"), default: [:]][kind] = try row.block(kind)
    }
    var keys: [String: [SSHKeyID]] = [:]
    try each("SELECT server, ssh_key FROM server_ssh_key ORDER BY server, position") { row in
      keys[try row.text("server"), default: []].append(try row.identifier("ssh_key"))
    }
    let links = try self.links()
    return try rows("SELECT * FROM server") { row in
      let id = try row.text("id")
      guard let bond0 = ports[id]?[.bond0], let eth0 = ports[id]?[.eth0], let eth1 = ports[id]?[.eth1] else {
        throw BadColumn(name: "name")
      }
      let namespace: String? = row["namespace"]
      let made = try row.integer("namespace_made") == 1
      return .server(
        Server(
          id: try row.identifier("id"), number: try row.integer("number"), hostname: try row.text("hostname"),
          plan: try row.text("plan"), facility: try row.text("facility"),
          operatingSystem: try row.text("operating_system"),
          project: try row.identifier("project"), place: namespace.map { .namespace($0, made: made) } ?? .host,
          nicNames: NICNames(eth0: try row.text("eth0_name"), eth1: try row.text("eth1_name")),
          layer: try row.integer("layer"), bond0: bond0, eth0: eth0, eth1: eth1, addresses: addresses[id, default: []],
          blocks: blocks[id, default: []], lastHeld: lastHeld[id, default: [:]], mtu: try row.integer("mtu"),
          details: try row.details(), sshKeys: keys[id, default: []], rootPassword: try row.rootPassword(),
          isLocked: try row.integer("locked") == 1,
          isNetworkFrozen: try row.integer("network_frozen") == 1, isPoweredOn: try row.integer("powered_on") == 1,
          isProvisioning: try row.integer("provisioning") == 1, isConfigured: try row.integer("configure") == 1,
          serial: row["serial"], links: links[id, default: ServerLinks()], membership: try row.membership(),
          createdAt: try row.date("created_at"), updatedAt: try row.date("updated_at")),
        replacing: nil)
    }
  }

  /// By identifier of the server.
  private func ports() throws -> [String: [PortName: Port]] {
    var networks: [String: [NetworkID]] = [:]
    var attachedAt: [String: [NetworkID: Date]] = [:]
    try each("SELECT port, network, attached_at FROM port_network ORDER BY port, position") { row in
      let (port, network) = (try row.text("port"), try row.identifier("network") as NetworkID)
      networks[port, default: []].append(network)
      attachedAt[port, default: [:]][network] = try row.date("attached_at")
    }
    var ports: [String: [PortName: Port]] = [:]
    try each("SELECT * FROM port") { row in
      guard let name = PortName(rawValue: try row.text("name")) else { throw BadColumn(name: "name") }
      ports[try row.text("server"), default: [:]][name] = Port(
        id: try row.identifier("id"), name: name, mac: try row.mac(),
        bonded: try row.integer("bonded") == 1, networks: networks[try row.text("id"), default: []],
        native: try row.optionalIdentifier("native"), attachedAt: attachedAt[try row.text("id"), default: [:]])
    }
    return ports
  }

  func rows(_ sql: String, _ make: (Row) throws -> Change) throws -> [Change] {
    var changes: [Change] = []
    try each(sql) { changes.append(try make($0)) }
    return changes
  }

  func each(_ sql: String, _ body: (Row) throws -> Void) throws {
    let cursor = try Row.fetchCursor(db, sql: sql)
    while let row = try cursor.next() { try body(row) }
  }
}
