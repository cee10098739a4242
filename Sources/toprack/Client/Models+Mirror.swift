// The members of mirrors that tables show.

struct Mirror: Decodable {
  struct Project: Decodable { let id: String, name: String }

  let id: String, name: String, from: String, direction: String, filter: String?, to: String
  let sent: Int, lost: Int, problem: String?, project: Project
}

struct MirrorList: Decodable { let mirrors: [Mirror] }
