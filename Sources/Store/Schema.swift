import GRDB

/// The tables, as named migrations. A migration that was released is never edited; a change is a further one.
///
/// Identifiers are lower-case UUID text, times are whole seconds since 1970, flags are 0 or 1.
enum Schema {
  /// Marks the file as ours (`file` and `sqlite3` show it): "tprk".
  static let applicationID: Int32 = 0x7470_726B

  static let migrator: DatabaseMigrator = {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1 servers and networks") { db in
      try db.execute(sql: serversAndNetworks)
    }
    migrator.registerMigration("2 server numbers") { db in
      try db.execute(sql: serverNumbers)
    }
    migrator.registerMigration("3 elastic blocks") { db in
      try db.execute(sql: elasticBlocks)
    }
    migrator.registerMigration("4 the whole API") { db in
      try db.execute(sql: wholeAPI)
    }
    migrator.registerMigration("5 where NICs are") { db in
      try db.execute(sql: whereNICsAre)
    }
    migrator.registerMigration("6 names of a project") { db in
      try namesOfAProject(db)
    }
    migrator.registerMigration("7 backend transfer") { db in
      try db.execute(sql: backendTransfer)
    }
    migrator.registerMigration("8 SSH keys") { db in
      try db.execute(sql: sshKeys)
    }
    migrator.registerMigration("9 serial") { db in
      try db.execute(sql: serial)
    }
    migrator.registerMigration("10 names of NICs") { db in
      try db.execute(sql: namesOfNICs)
    }
    migrator.registerMigration("11 provisioning") { db in
      try db.execute(sql: provisioning)
    }
    migrator.registerMigration("12 configure") { db in
      try db.execute(sql: configure)
    }
    migrator.registerMigration("13 labs") { db in
      try db.execute(sql: labs)
    }
    migrator.registerMigration("14 links") { db in
      try db.execute(sql: links)
    }
    migrator.registerMigration("15 mirrors") { db in
      try db.execute(sql: mirrors)
    }
    return migrator
  }()

  private static let serversAndNetworks = """
    PRAGMA application_id = \(applicationID);

    CREATE TABLE rack (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      id TEXT NOT NULL
    ) STRICT;

    CREATE TABLE setting (
      name TEXT PRIMARY KEY,
      value INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE project (
      id TEXT PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE network (
      id TEXT PRIMARY KEY,
      vxlan INTEGER NOT NULL CHECK (vxlan BETWEEN 2 AND 3999),
      facility TEXT NOT NULL,
      project TEXT NOT NULL REFERENCES project (id),
      description TEXT,
      created_at INTEGER NOT NULL,
      UNIQUE (project, facility, vxlan)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE server (
      id TEXT PRIMARY KEY,
      hostname TEXT NOT NULL UNIQUE COLLATE NOCASE,
      plan TEXT NOT NULL,
      facility TEXT NOT NULL,
      operating_system TEXT NOT NULL,
      project TEXT NOT NULL REFERENCES project (id),
      namespace TEXT UNIQUE,
      namespace_made INTEGER NOT NULL CHECK (namespace_made IN (0, 1)),
      layer INTEGER NOT NULL CHECK (layer IN (2, 3)),
      mtu INTEGER NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE port (
      id TEXT PRIMARY KEY,
      server TEXT NOT NULL REFERENCES server (id) ON DELETE CASCADE,
      name TEXT NOT NULL CHECK (name IN ('bond0', 'eth0', 'eth1')),
      mac INTEGER UNIQUE,
      bonded INTEGER NOT NULL CHECK (bonded IN (0, 1)),
      native TEXT REFERENCES network (id),
      UNIQUE (server, name)
    ) STRICT, WITHOUT ROWID;

    -- position: order of attachment; gaps mean nothing
    CREATE TABLE port_network (
      port TEXT NOT NULL REFERENCES port (id) ON DELETE CASCADE,
      network TEXT NOT NULL REFERENCES network (id),
      position INTEGER NOT NULL,
      PRIMARY KEY (port, network),
      UNIQUE (port, position)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX port_network_by_network ON port_network (network);

    -- base: the even address of the block, 16 bytes, most significant first (IPv4 in the last 4)
    CREATE TABLE address (
      id TEXT PRIMARY KEY,
      server TEXT NOT NULL REFERENCES server (id) ON DELETE CASCADE,
      position INTEGER NOT NULL,
      kind TEXT NOT NULL CHECK (kind IN ('publicIPv4', 'privateIPv4', 'publicIPv6')),
      base BLOB NOT NULL UNIQUE CHECK (length(base) = 16),
      created_at INTEGER NOT NULL,
      UNIQUE (server, kind)
    ) STRICT, WITHOUT ROWID;

    -- the block of each kind that a server gave back last
    CREATE TABLE last_held (
      server TEXT NOT NULL REFERENCES server (id) ON DELETE CASCADE,
      kind TEXT NOT NULL CHECK (kind IN ('publicIPv4', 'privateIPv4', 'publicIPv6')),
      base BLOB NOT NULL CHECK (length(base) = 16),
      PRIMARY KEY (server, kind)
    ) STRICT, WITHOUT ROWID;

    -- next: where the search for a free block begins; project is null where all projects share
    CREATE TABLE pool_cursor (
      id INTEGER PRIMARY KEY,
      facility TEXT NOT NULL,
      kind TEXT NOT NULL CHECK (kind IN ('publicIPv4', 'privateIPv4', 'publicIPv6')),
      project TEXT REFERENCES project (id),
      next INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX pool_cursor_by_key ON pool_cursor (facility, kind, ifnull(project, ''));

    CREATE TABLE pool_chunk (
      pool INTEGER NOT NULL REFERENCES pool_cursor (id) ON DELETE CASCADE,
      position INTEGER NOT NULL,
      chunk INTEGER NOT NULL,
      PRIMARY KEY (pool, position)
    ) STRICT, WITHOUT ROWID;
    """
  /// Servers of an older rack are numbered as they came. A column that is unique cannot be added, so the table is made
  /// anew; references to it are by name, and the migrator checks them at the end.
  private static let serverNumbers = """
    CREATE TABLE numbered_server (
      id TEXT PRIMARY KEY,
      number INTEGER NOT NULL UNIQUE CHECK (number BETWEEN 1 AND 5000),
      hostname TEXT NOT NULL UNIQUE COLLATE NOCASE,
      plan TEXT NOT NULL,
      facility TEXT NOT NULL,
      operating_system TEXT NOT NULL,
      project TEXT NOT NULL REFERENCES project (id),
      namespace TEXT UNIQUE,
      namespace_made INTEGER NOT NULL CHECK (namespace_made IN (0, 1)),
      layer INTEGER NOT NULL CHECK (layer IN (2, 3)),
      mtu INTEGER NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    INSERT INTO numbered_server
      SELECT id, row_number() OVER (ORDER BY created_at, hostname), hostname, plan, facility, operating_system, project,
             namespace, namespace_made, layer, mtu, created_at
      FROM server;

    DROP TABLE server;
    ALTER TABLE numbered_server RENAME TO server;
    """

  /// Beside the new tables: pools count their chunks from address 0 now, not from the start of the range that the
  /// facility had by default, and public IPv4 has no chunks any more.
  private static let elasticBlocks = """
    -- base: the first address, as in the table address
    CREATE TABLE reservation (
      id TEXT PRIMARY KEY,
      project TEXT NOT NULL REFERENCES project (id),
      facility TEXT NOT NULL,
      base BLOB NOT NULL UNIQUE CHECK (length(base) = 16),
      length INTEGER NOT NULL CHECK (length BETWEEN 29 AND 32),
      created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- position: order of assignment; gaps mean nothing
    CREATE TABLE block_assignment (
      id TEXT PRIMARY KEY,
      server TEXT NOT NULL REFERENCES server (id) ON DELETE CASCADE,
      reservation TEXT NOT NULL REFERENCES reservation (id),
      position INTEGER NOT NULL,
      base BLOB NOT NULL UNIQUE CHECK (length(base) = 16),
      length INTEGER NOT NULL CHECK (length BETWEEN 29 AND 32),
      created_at INTEGER NOT NULL,
      UNIQUE (server, position)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX block_assignment_by_reservation ON block_assignment (reservation);

    -- where the search for a free elastic block begins; 0 but for public IPv4
    ALTER TABLE pool_cursor ADD COLUMN next_elastic INTEGER NOT NULL DEFAULT 0;

    DELETE FROM pool_chunk WHERE pool IN (SELECT id FROM pool_cursor WHERE kind = 'publicIPv4');
    WITH share (facility, place) AS (
      VALUES ('ewr1', 0), ('sjc1', 1), ('dfw2', 2), ('ams1', 3), ('fra2', 4), ('nrt1', 5), ('sin3', 6), ('syd2', 7)
    ), first (pool, number) AS (
      SELECT id, CASE kind
        WHEN 'privateIPv4' THEN ((10 << 24) + (64 << 16) + (place << 16)) >> 7
        ELSE (0x20010db8 << 24) + (place << 20)
      END
      FROM pool_cursor JOIN share USING (facility)
    )
    UPDATE pool_chunk SET chunk = chunk + first.number FROM first WHERE first.pool = pool_chunk.pool;
    """

  /// A network's place is a facility or a metro now, and a uniqueness cannot be changed, so its table is made anew.
  /// Networks that are on ports count as attached from today on.
  private static let wholeAPI = """
    CREATE TABLE placed_network (
      id TEXT PRIMARY KEY,
      vxlan INTEGER NOT NULL CHECK (vxlan BETWEEN 2 AND 3999),
      place_kind TEXT NOT NULL CHECK (place_kind IN ('facility', 'metro')),
      place TEXT NOT NULL,
      project TEXT NOT NULL REFERENCES project (id),
      description TEXT,
      tags TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      UNIQUE (project, place_kind, place, vxlan)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO placed_network
      SELECT id, vxlan, 'facility', facility, project, description, '[]', created_at FROM network;
    DROP TABLE network;
    ALTER TABLE placed_network RENAME TO network;

    ALTER TABLE port_network ADD COLUMN attached_at INTEGER NOT NULL DEFAULT 0;
    UPDATE port_network SET attached_at = CAST(strftime('%s', 'now') AS INTEGER);

    ALTER TABLE project ADD COLUMN customdata TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE project ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
    UPDATE project SET updated_at = created_at;

    -- tags: a JSON array of texts; customdata: a JSON object
    ALTER TABLE server ADD COLUMN description TEXT;
    ALTER TABLE server ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE server ADD COLUMN userdata TEXT NOT NULL DEFAULT '';
    ALTER TABLE server ADD COLUMN customdata TEXT NOT NULL DEFAULT '{}';
    ALTER TABLE server ADD COLUMN always_pxe INTEGER NOT NULL DEFAULT 0 CHECK (always_pxe IN (0, 1));
    ALTER TABLE server ADD COLUMN ipxe_script_url TEXT;
    ALTER TABLE server ADD COLUMN locked INTEGER NOT NULL DEFAULT 0 CHECK (locked IN (0, 1));
    ALTER TABLE server ADD COLUMN network_frozen INTEGER NOT NULL DEFAULT 0 CHECK (network_frozen IN (0, 1));
    ALTER TABLE server ADD COLUMN powered_on INTEGER NOT NULL DEFAULT 1 CHECK (powered_on IN (0, 1));
    ALTER TABLE server ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
    UPDATE server SET updated_at = created_at;

    ALTER TABLE reservation ADD COLUMN details TEXT;
    ALTER TABLE reservation ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE reservation ADD COLUMN customdata TEXT NOT NULL DEFAULT '{}';

    -- digest: SHA-256 of the token's text; project is null where it opens all
    CREATE TABLE token (
      id TEXT PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
      project TEXT REFERENCES project (id),
      read_only INTEGER NOT NULL CHECK (read_only IN (0, 1)),
      created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- what happened, in the order of sequence; what it names may be gone
    CREATE TABLE event (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      type TEXT NOT NULL,
      body TEXT NOT NULL,
      project TEXT,
      server TEXT,
      network TEXT,
      actor TEXT,
      created_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX event_by_project ON event (project);
    CREATE INDEX event_by_server ON event (server);

    -- entries: a JSON array
    CREATE TABLE batch (
      sequence INTEGER PRIMARY KEY AUTOINCREMENT,
      id TEXT NOT NULL UNIQUE,
      port TEXT NOT NULL,
      project TEXT NOT NULL,
      entries TEXT NOT NULL,
      created_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX batch_by_port ON batch (port);
    """

  /// Projects can have one name, and servers of two projects. A uniqueness cannot be changed, so the tables are made
  /// anew, with whatever columns they have by now.
  private static func namesOfAProject(_ db: Database) throws {
    try remake("project", db, replacing: "name TEXT NOT NULL UNIQUE", with: "name TEXT NOT NULL")
    try remake(
      "server", db, replacing: "hostname TEXT NOT NULL UNIQUE COLLATE NOCASE",
      with: "hostname TEXT NOT NULL COLLATE NOCASE")
    try db.execute(
      sql: """
        CREATE UNIQUE INDEX server_by_name ON server (project, hostname);
        CREATE INDEX batch_by_project ON batch (project);
        """)
  }

  /// Makes a table anew with another definition of a column. Its rows and its indexes stay.
  private static func remake(_ table: String, _ db: Database, replacing column: String, with new: String) throws {
    let definitions = try String.fetchAll(
      db, sql: "SELECT sql FROM sqlite_schema WHERE tbl_name = ? AND type = 'index' AND sql IS NOT NULL",
      arguments: [table])
    let old = try String.fetchOne(
      db, sql: "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?", arguments: [table])
    guard let columns = old?.drop(while: { $0 != "(" }), columns.contains(column) else {
      throw DatabaseError(message: "table \(table) has no \(column)")
    }
    try db.execute(
      sql: """
        CREATE TABLE remade \(columns.replacing(column, with: new));
        INSERT INTO remade SELECT * FROM \(table);
        DROP TABLE \(table);
        ALTER TABLE remade RENAME TO \(table);
        """)
    for definition in definitions { try db.execute(sql: definition) }
  }

  /// Where each NIC's interface is, as the daemon has seen it last (`NICPlace`). A NIC of an older rack has no row
  /// until the next start has found it.
  private static let whereNICsAre = """
    -- boot: the run of the machine; device, inode, cookie: the network namespace, as signed numbers; interface: its index
    CREATE TABLE nic_place (
      server TEXT NOT NULL REFERENCES server (id) ON DELETE CASCADE,
      nic TEXT NOT NULL CHECK (nic IN ('eth0', 'eth1')),
      boot TEXT NOT NULL,
      device INTEGER NOT NULL,
      inode INTEGER NOT NULL,
      cookie INTEGER NOT NULL,
      interface INTEGER NOT NULL,
      name TEXT NOT NULL,
      made_name TEXT NOT NULL,
      PRIMARY KEY (server, nic)
    ) STRICT, WITHOUT ROWID;
    """

  /// The path of the console of a machine that runs by itself; null where there is none.
  private static let serial = "ALTER TABLE server ADD COLUMN serial TEXT;"

  /// What interfaces are called inside a namespace.
  private static let namesOfNICs = """
    ALTER TABLE server ADD COLUMN eth0_name TEXT NOT NULL DEFAULT 'eth0';
    ALTER TABLE server ADD COLUMN eth1_name TEXT NOT NULL DEFAULT 'eth1';
    """

  /// Servers of an older rack were active at once.
  private static let provisioning = """
    ALTER TABLE server ADD COLUMN provisioning INTEGER NOT NULL DEFAULT 0 CHECK (provisioning IN (0, 1));
    """

  /// Whether the interfaces in a server's namespace are set up for its mode.
  private static let configure = """
    ALTER TABLE server ADD COLUMN configure INTEGER NOT NULL DEFAULT 0 CHECK (configure IN (0, 1));
    """

  /// Whatever an older rack has belongs to no lab.
  private static let labs = """
    -- applied: the file that was applied last, as JSON
    CREATE TABLE lab (
      id TEXT PRIMARY KEY,
      project TEXT NOT NULL REFERENCES project (id),
      name TEXT NOT NULL,
      generation INTEGER NOT NULL CHECK (generation > 0),
      applied TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL,
      UNIQUE (project, name)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE lab_checkpoint (
      lab TEXT NOT NULL REFERENCES lab (id) ON DELETE CASCADE,
      name TEXT NOT NULL,
      state TEXT NOT NULL,
      PRIMARY KEY (lab, name)
    ) STRICT, WITHOUT ROWID;

    -- lab_name: what it is called in the lab; null together with lab
    ALTER TABLE server ADD COLUMN lab TEXT REFERENCES lab (id);
    ALTER TABLE server ADD COLUMN lab_name TEXT;
    CREATE UNIQUE INDEX server_by_lab ON server (lab, lab_name);
    ALTER TABLE network ADD COLUMN lab TEXT REFERENCES lab (id);
    ALTER TABLE network ADD COLUMN lab_name TEXT;
    CREATE UNIQUE INDEX network_by_lab ON network (lab, lab_name);
    ALTER TABLE reservation ADD COLUMN lab TEXT REFERENCES lab (id);
    ALTER TABLE reservation ADD COLUMN lab_name TEXT;
    CREATE UNIQUE INDEX reservation_by_lab ON reservation (lab, lab_name);
    """

  /// Links of an older rack are sound, and its switches well. A link that is sound has no row.
  private static let links = """
    CREATE TABLE link_down (
      server TEXT NOT NULL REFERENCES server (id) ON DELETE CASCADE,
      nic TEXT NOT NULL CHECK (nic IN ('eth0', 'eth1')),
      PRIMARY KEY (server, nic)
    ) STRICT, WITHOUT ROWID;

    -- loss, duplicate, reorder, corrupt: millionths; delay, jitter, queue: nanoseconds; rate: bits a second, 0 for no
    -- limit; seed is null where nobody has chosen one; series: how often its sequence was begun
    CREATE TABLE impairment (
      server TEXT NOT NULL REFERENCES server (id) ON DELETE CASCADE,
      nic TEXT NOT NULL CHECK (nic IN ('eth0', 'eth1')),
      direction TEXT NOT NULL CHECK (direction IN ('to-server', 'from-server')),
      loss INTEGER NOT NULL,
      duplicate INTEGER NOT NULL,
      reorder INTEGER NOT NULL,
      corrupt INTEGER NOT NULL,
      delay INTEGER NOT NULL,
      jitter INTEGER NOT NULL,
      rate INTEGER NOT NULL,
      queue INTEGER NOT NULL,
      seed INTEGER,
      series INTEGER NOT NULL,
      PRIMARY KEY (server, nic, direction)
    ) STRICT, WITHOUT ROWID;

    -- switches of a facility that have failed
    CREATE TABLE failed_switch (
      facility TEXT NOT NULL,
      switch TEXT NOT NULL CHECK (switch IN ('a', 'b')),
      PRIMARY KEY (facility, switch)
    ) STRICT, WITHOUT ROWID;
    """

  /// An older rack has no mirror.
  private static let mirrors = """
    -- one of the two sources, and one of the two ends
    CREATE TABLE mirror (
      id TEXT PRIMARY KEY,
      name TEXT NOT NULL,
      project TEXT NOT NULL REFERENCES project (id),
      source_port TEXT REFERENCES port (id) ON DELETE CASCADE,
      source_network TEXT REFERENCES network (id) ON DELETE CASCADE,
      direction TEXT NOT NULL CHECK (direction IN ('in', 'out', 'both')),
      filter TEXT,
      end_port TEXT REFERENCES port (id) ON DELETE CASCADE,
      end_device TEXT,
      created_at INTEGER NOT NULL,
      UNIQUE (project, name),
      CHECK ((source_port IS NULL) != (source_network IS NULL)),
      CHECK ((end_port IS NULL) != (end_device IS NULL))
    ) STRICT, WITHOUT ROWID;
    """

  private static let backendTransfer = """
    ALTER TABLE project ADD COLUMN backend_transfer INTEGER NOT NULL DEFAULT 0 CHECK (backend_transfer IN (0, 1));
    """

  /// A server of an older rack has no key and no password.
  private static let sshKeys = """
    -- project is null for a key of the user; key: the line as it was given; blob: what is in its base64
    CREATE TABLE ssh_key (
      id TEXT PRIMARY KEY,
      project TEXT REFERENCES project (id),
      label TEXT NOT NULL,
      key TEXT NOT NULL,
      blob BLOB NOT NULL,
      tags TEXT NOT NULL,
      created_at INTEGER NOT NULL,
      updated_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX ssh_key_by_owner ON ssh_key (ifnull(project, ''), blob);

    -- position: as the machine is told them; gaps mean nothing
    CREATE TABLE server_ssh_key (
      server TEXT NOT NULL REFERENCES server (id) ON DELETE CASCADE,
      ssh_key TEXT NOT NULL REFERENCES ssh_key (id) ON DELETE CASCADE,
      position INTEGER NOT NULL,
      PRIMARY KEY (server, ssh_key),
      UNIQUE (server, position)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX server_ssh_key_by_key ON server_ssh_key (ssh_key);

    ALTER TABLE server ADD COLUMN root_password TEXT;
    ALTER TABLE server ADD COLUMN root_password_at INTEGER;
    """
}
