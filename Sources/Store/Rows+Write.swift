import FoundationEssentials
import GRDB
import Net
import Rack

/// Records into rows. Runs inside the transaction of one `commit`.
struct RowWriter {
  let db: Database

  func write(_ change: Change) throws {
    switch change {
    case .project(let project): try write(project)
    case .projectDeleted(let id):
      try run("DELETE FROM pool_cursor WHERE project = ?", [id.description])
      try run("DELETE FROM project WHERE id = ?", [id.description])
    case .token(let token): try write(token)
    case .tokenDeleted(let id):
      try run("DELETE FROM token WHERE id = ?", [id.description])
    case .sshKey(let key): try write(key)
    case .sshKeyDeleted(let id):
      try run("DELETE FROM ssh_key WHERE id = ?", [id.description])
    case .server(let server, replacing: let old): try write(server, replacing: old)
    case .serverDeleted(let id):
      try run("DELETE FROM server WHERE id = ?", [id.description])
    case .network(let network): try write(network)
    case .networkDeleted(let id):
      try run("DELETE FROM network WHERE id = ?", [id.description])
    case .reservation(let reservation): try write(reservation)
    case .reservationDeleted(let id):
      try run("DELETE FROM reservation WHERE id = ?", [id.description])
    case .pool(let pool): try write(pool)
    case .lab(let lab, replacing: let old): try write(lab, replacing: old)
    case .labDeleted(let id):
      try run("DELETE FROM lab WHERE id = ?", [id.description])
    case .mirror(let mirror): try write(mirror)
    case .mirrorDeleted(let id):
      try run("DELETE FROM mirror WHERE id = ?", [id.description])
    case .aging(let seconds):
      try run("INSERT OR REPLACE INTO setting (name, value) VALUES ('aging', ?)", [seconds])
    case .lacpRate(let fast):
      try run("INSERT OR REPLACE INTO setting (name, value) VALUES ('lacp_fast', ?)", [fast])
    case .failedSwitches(let facility, let switches):
      try run("DELETE FROM failed_switch WHERE facility = ?", [facility])
      for name in switches {
        try run("INSERT INTO failed_switch (facility, switch) VALUES (?, ?)", [facility, name.rawValue])
      }
    }
  }

  private func write(_ project: Project) throws {
    try run(
      """
      INSERT INTO project (id, name, customdata, backend_transfer, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET
        name = excluded.name, customdata = excluded.customdata, backend_transfer = excluded.backend_transfer,
        updated_at = excluded.updated_at
      """,
      [
        project.id.description, project.name, project.customdata, project.backendTransfer, project.createdAt.seconds,
        project.updatedAt.seconds,
      ])
  }

  private func write(_ network: VirtualNetwork) throws {
    try run(
      """
      INSERT INTO network (id, vxlan, place_kind, place, project, description, tags, lab, lab_name, created_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET
        description = excluded.description, tags = excluded.tags, lab = excluded.lab, lab_name = excluded.lab_name
      """,
      [
        network.id.description, network.vxlan, network.place.kind, network.place.code, network.project.description,
        network.description, network.tags.json, network.lab?.description, network.membership?.name,
        network.createdAt.seconds,
      ])
  }

  /// Writes what differs from `old`: checkpoints can be long, and a lab changes with each thing of its own.
  private func write(_ lab: Lab, replacing old: Lab?) throws {
    try run(
      """
      INSERT INTO lab (id, project, name, generation, applied, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET
        generation = excluded.generation, applied = excluded.applied, updated_at = excluded.updated_at
      """,
      [
        lab.id.description, lab.project.description, lab.name, lab.generation, lab.applied, lab.createdAt.seconds,
        lab.updatedAt.seconds,
      ])
    for name in old?.checkpoints.keys.map(\.self) ?? [] where lab.checkpoints[name] == nil {
      try run("DELETE FROM lab_checkpoint WHERE lab = ? AND name = ?", [lab.id.description, name])
    }
    for (name, text) in lab.checkpoints where old?.checkpoints[name] != text {
      try run(
        "INSERT OR REPLACE INTO lab_checkpoint (lab, name, state) VALUES (?, ?, ?)", [lab.id.description, name, text])
    }
  }

  private func write(_ token: AccessToken) throws {
    try run(
      "INSERT INTO token (id, name, digest, project, read_only, created_at) VALUES (?, ?, ?, ?, ?, ?)",
      [
        token.id.description, token.name, Data(token.digest), token.project?.description, token.isReadOnly,
        token.createdAt.seconds,
      ])
  }

  private func write(_ key: SSHKey) throws {
    try run(
      """
      INSERT INTO ssh_key (id, project, label, key, blob, tags, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET
        label = excluded.label, key = excluded.key, blob = excluded.blob, tags = excluded.tags,
        updated_at = excluded.updated_at
      """,
      [
        key.id.description, key.owner.project?.description, key.label, key.key.text, Data(key.key.blob),
        key.tags.json, key.createdAt.seconds, key.updatedAt.seconds,
      ])
  }

  private func write(_ reservation: Reservation) throws {
    try run(
      """
      INSERT INTO reservation
        (id, project, facility, base, length, details, tags, customdata, lab, lab_name, created_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET
        details = excluded.details, tags = excluded.tags, customdata = excluded.customdata, lab = excluded.lab,
        lab_name = excluded.lab_name
      """,
      [
        reservation.id.description, reservation.project.description, reservation.facility, reservation.block.bytes,
        reservation.block.length, reservation.note.details, reservation.note.tags.json, reservation.note.customdata,
        reservation.lab?.description, reservation.membership?.name, reservation.createdAt.seconds,
      ])
  }

  /// Writes what differs from `old`: a change of one port of a thousand-network server is one row.
  private func write(_ server: Server, replacing old: Server?) throws {
    try run(
      """
      INSERT INTO server
        (id, number, hostname, plan, facility, operating_system, project, namespace, namespace_made, layer, mtu,
         description, tags, userdata, customdata, always_pxe, ipxe_script_url, locked, network_frozen, powered_on,
         root_password, root_password_at, serial, eth0_name, eth1_name, provisioning, configure, lab, lab_name,
         created_at, updated_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET
        hostname = excluded.hostname, operating_system = excluded.operating_system, namespace = excluded.namespace,
        namespace_made = excluded.namespace_made, layer = excluded.layer, mtu = excluded.mtu, description = excluded.description, tags = excluded.tags,
        userdata = excluded.userdata, customdata = excluded.customdata, always_pxe = excluded.always_pxe,
        ipxe_script_url = excluded.ipxe_script_url, locked = excluded.locked,
        network_frozen = excluded.network_frozen, powered_on = excluded.powered_on, serial = excluded.serial,
        eth0_name = excluded.eth0_name, eth1_name = excluded.eth1_name, provisioning = excluded.provisioning,
        configure = excluded.configure, lab = excluded.lab, lab_name = excluded.lab_name,
        root_password = excluded.root_password, root_password_at = excluded.root_password_at,
        updated_at = excluded.updated_at
      """,
      [
        server.id.description, server.number, server.hostname, server.plan, server.facility,
        server.operatingSystem, server.project.description, server.place.namespace, server.place.isMade, server.layer,
        server.mtu, server.details.description, server.details.tags.json, server.details.userdata,
        server.details.customdata, server.details.alwaysPXE, server.details.ipxeScriptURL, server.isLocked,
        server.isNetworkFrozen, server.isPoweredOn, server.rootPassword?.text, server.rootPassword?.madeAt.seconds,
        server.serial, server.nicNames.eth0, server.nicNames.eth1, server.isProvisioning, server.isConfigured,
        server.lab?.description, server.membership?.name, server.createdAt.seconds,
        server.updatedAt.seconds,
      ])
    for port in server.ports where port != old?[port.name] {
      try write(port, of: server.id, networksBefore: old?[port.name].networks ?? [])
    }
    if server.addresses != old?.addresses ?? [] {
      try run("DELETE FROM address WHERE server = ?", [server.id.description])
      for (position, address) in server.addresses.enumerated() {
        try run(
          "INSERT INTO address (id, server, position, kind, base, created_at) VALUES (?, ?, ?, ?, ?, ?)",
          [
            address.id.description, server.id.description, position, address.kind.rawValue, address.network.bytes,
            address.createdAt.seconds,
          ])
      }
    }
    if server.blocks != old?.blocks ?? [] {
      try run("DELETE FROM block_assignment WHERE server = ?", [server.id.description])
      for (position, assignment) in server.blocks.enumerated() {
        try run(
          """
          INSERT INTO block_assignment (id, server, reservation, position, base, length, created_at)
          VALUES (?, ?, ?, ?, ?, ?, ?)
          """,
          [
            assignment.id.description, server.id.description, assignment.reservation.description, position,
            assignment.block.bytes, assignment.block.length, assignment.createdAt.seconds,
          ])
      }
    }
    if server.sshKeys != old?.sshKeys ?? [] {
      try run("DELETE FROM server_ssh_key WHERE server = ?", [server.id.description])
      for (position, key) in server.sshKeys.enumerated() {
        try run(
          "INSERT INTO server_ssh_key (server, ssh_key, position) VALUES (?, ?, ?)",
          [server.id.description, key.description, position])
      }
    }
    if server.links != old?.links ?? ServerLinks() { try write(server.links, of: server.id) }
    if server.lastHeld != old?.lastHeld ?? [:] {
      try run("DELETE FROM last_held WHERE server = ?", [server.id.description])
      for (kind, block) in server.lastHeld {
        try run(
          "INSERT INTO last_held (server, kind, base) VALUES (?, ?, ?)",
          [server.id.description, kind.rawValue, block.bytes])
      }
    }
  }

  private func write(_ port: Port, of server: ServerID, networksBefore before: [NetworkID]) throws {
    try run(
      """
      INSERT INTO port (id, server, name, mac, bonded, native) VALUES (?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET bonded = excluded.bonded, native = excluded.native
      """,
      [
        port.id.description, server.description, port.name.rawValue, port.mac.map { Int64($0.value) }, port.bonded,
        port.native?.description,
      ])
    guard port.networks != before else { return }
    let wanted = Set(port.networks)
    var kept = before.filter { wanted.contains($0) }
    if kept.count < before.count {
      for network in before where !wanted.contains(network) {
        try run("DELETE FROM port_network WHERE port = ? AND network = ?", [port.id.description, network.description])
      }
    }
    if !port.networks.starts(with: kept) {
      try run("DELETE FROM port_network WHERE port = ?", [port.id.description])
      kept = []
    }
    for network in port.networks.dropFirst(kept.count) {
      try run(
        """
        INSERT INTO port_network (port, network, attached_at, position)
        VALUES (?1, ?2, ?3, (SELECT ifnull(max(position), 0) + 1 FROM port_network WHERE port = ?1))
        """, [port.id.description, network.description, port.attachedAt[network]?.seconds ?? 0])
    }
  }

  private func write(_ pool: AddressPool) throws {
    let key = pool.key
    let known = try Int64.fetchOne(
      db, cached: "SELECT id FROM pool_cursor WHERE facility = ? AND kind = ? AND ifnull(project, '') = ?",
      [key.facility, key.kind.rawValue, key.project?.description ?? ""])
    let id: Int64
    if let known {
      id = known
      try run("UPDATE pool_cursor SET next = ?, next_elastic = ? WHERE id = ?", [pool.next, pool.nextElastic, id])
    } else {
      try run(
        "INSERT INTO pool_cursor (facility, kind, project, next, next_elastic) VALUES (?, ?, ?, ?, ?)",
        [key.facility, key.kind.rawValue, key.project?.description, pool.next, pool.nextElastic])
      id = db.lastInsertedRowID
    }
    // A pool keeps its chunks, unless the range is another one than when it got them.
    for (position, chunk) in pool.chunks.enumerated() {
      try run(
        """
        INSERT INTO pool_chunk (pool, position, chunk) VALUES (?, ?, ?)
        ON CONFLICT (pool, position) DO UPDATE SET chunk = excluded.chunk WHERE chunk != excluded.chunk
        """, [id, position, chunk])
    }
    try run("DELETE FROM pool_chunk WHERE pool = ? AND position >= ?", [id, pool.chunks.count])
  }

  func run(_ sql: String, _ arguments: StatementArguments) throws {
    try db.cachedStatement(sql: sql).execute(arguments: arguments)
  }
}

extension Int64 {
  fileprivate static func fetchOne(_ db: Database, cached sql: String, _ arguments: StatementArguments) throws -> Int64?
  {
    try fetchOne(db.cachedStatement(sql: sql), arguments: arguments)
  }
}

extension Place {
  fileprivate var isMade: Bool {
    if case .namespace(_, made: true) = self { true } else { false }
  }
}
