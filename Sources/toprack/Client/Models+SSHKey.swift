// The members of SSH keys that tables show.

struct SSHKey: Decodable {
  /// `project`: the name of the one that it is for; `nil` for all.
  struct Toprack: Decodable { let type: String, bits: Int, sha256: String, project: String? }

  let id: String, label: String, key: String, fingerprint: String, tags: [String]
  let createdAt: String, updatedAt: String, owner: Network.Link, toprack: Toprack
}

struct SSHKeyList: Decodable { let sshKeys: [SSHKey] }
