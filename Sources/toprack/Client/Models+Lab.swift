// Labs and their plans, as the API has them.

struct LabList: Decodable {
  let labs: [LabEntry]
}

struct LabEntry: Decodable {
  let name: String
  let project: Owner
  let generation: Int
  let servers: [String]
  let networks: [String]
  let addresses: [String]
  let checkpoints: [String]
  let updatedAt: String

  struct Owner: Decodable { let name: String }
}

struct LabPlanAnswer: Decodable {
  let lab: String
  let project: String
  let generation: Int
  let changes: [Change]
  let losing: Bool
  let forgets: [String]
  /// Of an apply.
  let machines: [Machine]?

  struct Change: Decodable {
    let op: String
    let kind: String
    let name: String
    let key: String?
    let from: String?
    let to: String?
    let losing: String?
  }

  struct Machine: Decodable {
    let server: String
    let state: String
    let reason: String?
  }

  var isEmpty: Bool { changes.isEmpty && forgets.isEmpty }
}

struct LabCheckAnswer: Decodable {
  let checks: [Check]

  struct Check: Decodable {
    let name: String
    let result: String
    let seen: String
    let ms: Int
  }
}

struct LabFaultList: Decodable {
  let faults: [Fault]

  struct Fault: Decodable {
    let line: Int
    let column: Int
    let message: String
    let nearest: String?
  }
}
