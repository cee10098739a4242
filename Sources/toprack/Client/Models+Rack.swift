// The rack as a whole, its tenants and who may use it.

struct RackStatus: Decodable {
  struct Start: Decodable { let adopted: Int, made: Int, removed: Int }

  let version: String, rackId: String, startedAt: String
  let servers: Int, networks: Int, stations: Int, stationLimit: Int, stationsEvicted: Int, stationsRefused: Int
  let stationMoves: Int, stormLimit: Int
  let workers: Int, io: String, agingSeconds: Int, lacpRate: String
  let start: Start, problems: [String]
}

/// A tenant.
struct Project: Decodable {
  let id: String, name: String, createdAt: String, devices: [Network.Link]
}

struct ProjectList: Decodable { let projects: [Project] }

struct Token: Decodable {
  struct Project: Decodable { let id: String, name: String }
  /// `project`: the one that it is for; `nil` for all.
  let id: String, name: String, project: Project?, readOnly: Bool, createdAt: String
  /// Its text; only in the answer to its creation.
  let token: String?
}

struct TokenList: Decodable { let tokens: [Token] }

struct User: Decodable { let id: String, fullName: String, email: String }

/// What was changed.
struct Event: Decodable {
  struct Link: Decodable { let href: String }
  /// `by`: a user of the daemon's machine, or a token's name.
  struct Toprack: Decodable { let by: String? }
  let id: String, type: String, body: String, createdAt: String, relationships: [Link], toprack: Toprack

  /// Whether it concerns the object whose path ends so: `/devices/UUID`.
  func concerns(_ path: String) -> Bool { relationships.contains { $0.href.hasSuffix(path) } }
}
