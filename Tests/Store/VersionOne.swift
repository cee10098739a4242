/// A database as toprackd 0.1.0 left it, before there was LACP: what `sqlite3 rack.sqlite .dump` printed.
///
/// Servers zeta and alpha were made in the same second and beta in the next; alpha is layer2-bonded with two networks, beta
/// hybrid with one, zeta as it was made.
enum VersionOne {
  static let dump = """
    PRAGMA application_id = 0x7470726b;
    CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
    INSERT INTO grdb_migrations VALUES('1 servers and networks');
    CREATE TABLE rack (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      id TEXT NOT NULL
    ) STRICT;
    INSERT INTO rack VALUES(1,'a70ce10b-c6ad-48cb-bf69-043c8a0d2ebf');
    CREATE TABLE setting (
      name TEXT PRIMARY KEY,
      value INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO setting VALUES('aging',60);
    CREATE TABLE project (
      id TEXT PRIMARY KEY,
      name TEXT NOT NULL UNIQUE,
      created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO project VALUES('7646a2a4-e925-4f54-93b5-e3bdac030489','default',1795434870);
    CREATE TABLE network (
      id TEXT PRIMARY KEY,
      vxlan INTEGER NOT NULL CHECK (vxlan BETWEEN 2 AND 3999),
      facility TEXT NOT NULL,
      project TEXT NOT NULL REFERENCES project (id),
      description TEXT,
      created_at INTEGER NOT NULL,
      UNIQUE (project, facility, vxlan)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO network VALUES('80e1d887-9132-4017-95e3-8136a11b6e79',1002,'ewr1','7646a2a4-e925-4f54-93b5-e3bdac030489',NULL,1795434873);
    INSERT INTO network VALUES('b4c764d5-3220-4c52-9dff-00f04eeb05cb',1001,'ewr1','7646a2a4-e925-4f54-93b5-e3bdac030489','uplink',1795434873);
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
    INSERT INTO server VALUES('38a9e930-245b-420c-9f16-d140577bd4fc','zeta','c3.small.x86','ewr1','debian_12','7646a2a4-e925-4f54-93b5-e3bdac030489','space',1,3,1500,1795434872);
    INSERT INTO server VALUES('67631266-0100-436c-b596-22ae6bcddd6d','beta','c3.medium.x86','ewr1','debian_12','7646a2a4-e925-4f54-93b5-e3bdac030489',NULL,0,3,9000,1795434873);
    INSERT INTO server VALUES('943faa34-4251-421f-af57-8860d1ff10d6','alpha','c3.small.x86','ewr1','debian_12','7646a2a4-e925-4f54-93b5-e3bdac030489',NULL,0,2,1500,1795434872);
    CREATE TABLE port (
      id TEXT PRIMARY KEY,
      server TEXT NOT NULL REFERENCES server (id) ON DELETE CASCADE,
      name TEXT NOT NULL CHECK (name IN ('bond0', 'eth0', 'eth1')),
      mac INTEGER UNIQUE,
      bonded INTEGER NOT NULL CHECK (bonded IN (0, 1)),
      native TEXT REFERENCES network (id),
      UNIQUE (server, name)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO port VALUES('0c53d88c-f23c-4630-ba9f-339a822af308','943faa34-4251-421f-af57-8860d1ff10d6','eth0',24487794015362,1,NULL);
    INSERT INTO port VALUES('0d0e834e-d9dc-495a-923d-762502de2078','67631266-0100-436c-b596-22ae6bcddd6d','bond0',NULL,1,NULL);
    INSERT INTO port VALUES('2b4cd97d-e8d2-4690-bd07-47dd372d8900','67631266-0100-436c-b596-22ae6bcddd6d','eth1',7378762152953,0,NULL);
    INSERT INTO port VALUES('74b4fa41-4718-4cba-b6a8-2ac5bd607e63','943faa34-4251-421f-af57-8860d1ff10d6','eth1',24487794015363,1,NULL);
    INSERT INTO port VALUES('80e5715e-42b9-4a53-8718-c6cf279053d7','943faa34-4251-421f-af57-8860d1ff10d6','bond0',NULL,1,'80e1d887-9132-4017-95e3-8136a11b6e79');
    INSERT INTO port VALUES('8ef55539-62dc-4902-8c67-bcd895f9d701','38a9e930-245b-420c-9f16-d140577bd4fc','bond0',NULL,1,NULL);
    INSERT INTO port VALUES('b428a579-d039-45a7-b311-30be43814667','38a9e930-245b-420c-9f16-d140577bd4fc','eth0',29333063697402,1,NULL);
    INSERT INTO port VALUES('b509eb9d-1599-485c-aa9e-f6608263e8ca','67631266-0100-436c-b596-22ae6bcddd6d','eth0',7378762152952,1,NULL);
    INSERT INTO port VALUES('da1cd406-4712-4ae1-85ed-e43a4e0bbd24','38a9e930-245b-420c-9f16-d140577bd4fc','eth1',29333063697403,1,NULL);
    CREATE TABLE port_network (
      port TEXT NOT NULL REFERENCES port (id) ON DELETE CASCADE,
      network TEXT NOT NULL REFERENCES network (id),
      position INTEGER NOT NULL,
      PRIMARY KEY (port, network),
      UNIQUE (port, position)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO port_network VALUES('2b4cd97d-e8d2-4690-bd07-47dd372d8900','b4c764d5-3220-4c52-9dff-00f04eeb05cb',1);
    INSERT INTO port_network VALUES('80e5715e-42b9-4a53-8718-c6cf279053d7','80e1d887-9132-4017-95e3-8136a11b6e79',2);
    INSERT INTO port_network VALUES('80e5715e-42b9-4a53-8718-c6cf279053d7','b4c764d5-3220-4c52-9dff-00f04eeb05cb',1);
    CREATE TABLE address (
      id TEXT PRIMARY KEY,
      server TEXT NOT NULL REFERENCES server (id) ON DELETE CASCADE,
      position INTEGER NOT NULL,
      kind TEXT NOT NULL CHECK (kind IN ('publicIPv4', 'privateIPv4', 'publicIPv6')),
      base BLOB NOT NULL UNIQUE CHECK (length(base) = 16),
      created_at INTEGER NOT NULL,
      UNIQUE (server, kind)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO address VALUES('2fc777ab-cffd-4adc-ac6d-1bde6f6be0b1','67631266-0100-436c-b596-22ae6bcddd6d',2,'publicIPv6',X'20010db8000000000000000000000004',1795434873);
    INSERT INTO address VALUES('3e832aa0-0012-402d-aebc-d965572c52a1','67631266-0100-436c-b596-22ae6bcddd6d',1,'privateIPv4',X'0000000000000000000000000a400004',1795434873);
    INSERT INTO address VALUES('7117220b-b51a-40b4-a1bc-a60d59facd50','38a9e930-245b-420c-9f16-d140577bd4fc',2,'publicIPv6',X'20010db8000000000000000000000000',1795434872);
    INSERT INTO address VALUES('816db34e-f002-4b4a-b84d-8bae49fa97ac','67631266-0100-436c-b596-22ae6bcddd6d',0,'publicIPv4',X'000000000000000000000000c6120004',1795434873);
    INSERT INTO address VALUES('cfdcafad-fb98-43ba-aff0-95abf1ca8dfe','38a9e930-245b-420c-9f16-d140577bd4fc',0,'publicIPv4',X'000000000000000000000000c6120000',1795434872);
    INSERT INTO address VALUES('d66cdb07-b254-44ca-81aa-060e544f19a2','38a9e930-245b-420c-9f16-d140577bd4fc',1,'privateIPv4',X'0000000000000000000000000a400000',1795434872);
    CREATE TABLE last_held (
      server TEXT NOT NULL REFERENCES server (id) ON DELETE CASCADE,
      kind TEXT NOT NULL CHECK (kind IN ('publicIPv4', 'privateIPv4', 'publicIPv6')),
      base BLOB NOT NULL CHECK (length(base) = 16),
      PRIMARY KEY (server, kind)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO last_held VALUES('943faa34-4251-421f-af57-8860d1ff10d6','privateIPv4',X'0000000000000000000000000a400002');
    INSERT INTO last_held VALUES('943faa34-4251-421f-af57-8860d1ff10d6','publicIPv4',X'000000000000000000000000c6120002');
    INSERT INTO last_held VALUES('943faa34-4251-421f-af57-8860d1ff10d6','publicIPv6',X'20010db8000000000000000000000002');
    CREATE TABLE pool_cursor (
      id INTEGER PRIMARY KEY,
      facility TEXT NOT NULL,
      kind TEXT NOT NULL CHECK (kind IN ('publicIPv4', 'privateIPv4', 'publicIPv6')),
      project TEXT REFERENCES project (id),
      next INTEGER NOT NULL
    ) STRICT;
    INSERT INTO pool_cursor VALUES(1,'ewr1','publicIPv4',NULL,3);
    INSERT INTO pool_cursor VALUES(2,'ewr1','privateIPv4','7646a2a4-e925-4f54-93b5-e3bdac030489',3);
    INSERT INTO pool_cursor VALUES(3,'ewr1','publicIPv6','7646a2a4-e925-4f54-93b5-e3bdac030489',3);
    CREATE TABLE pool_chunk (
      pool INTEGER NOT NULL REFERENCES pool_cursor (id) ON DELETE CASCADE,
      position INTEGER NOT NULL,
      chunk INTEGER NOT NULL,
      PRIMARY KEY (pool, position)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO pool_chunk VALUES(1,0,0);
    INSERT INTO pool_chunk VALUES(2,0,0);
    INSERT INTO pool_chunk VALUES(3,0,0);
    CREATE INDEX port_network_by_network ON port_network (network);
    CREATE UNIQUE INDEX pool_cursor_by_key ON pool_cursor (facility, kind, ifnull(project, ''));
    """
}
