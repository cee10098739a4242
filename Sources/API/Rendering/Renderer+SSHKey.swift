// SSH keys.

import Crypto
import FoundationEssentials
public import Rack

extension Renderer {
  /// `owner` is the project or the user; newer clients read the same as `entity`.
  func sshKey(_ key: SSHKey) -> JSON {
    [
      "id": key.id.json, "href": link("/ssh-keys/\(key.id)"), "label": .string(key.label),
      "key": .string(key.key.text), "fingerprint": .string(key.key.fingerprint), "tags": .list(key.tags),
      "owner": owner(of: key, as: "owner"), "entity": owner(of: key, as: "entity"),
      "created_at": time(key.createdAt), "updated_at": time(key.updatedAt),
      "toprack": [
        "type": .string(key.key.kind.rawValue), "bits": .integer(key.key.bits), "sha256": .string(key.key.sha256),
        "project": key.owner.project.map { JSON(rack.projects[$0]?.name) } ?? nil,
      ],
    ]
  }

  private func owner(of key: SSHKey, as name: String) -> JSON {
    switch key.owner {
    case .user: reference(name, reference("/users/\(Owner.user.text)")) { $0.user }
    case .project(let id):
      rack.projects[id].map { project in reference(name, reference("/projects/\(id)")) { $0.project(project) } } ?? nil
    }
  }

  /// The key as a nested object.
  func sshKey(nested key: SSHKey, as name: String = "ssh_keys") -> JSON {
    reference(name, reference("/ssh-keys/\(key.id)")) { $0.sshKey(key) }
  }
}

extension SSHPublicKey {
  /// MD5, as the original had it: `ce:65:20:86:…`.
  var fingerprint: String {
    Insecure.MD5.hash(data: blob).map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined(separator: ":")
  }

  /// As OpenSSH prints it: `SHA256:` and base64 without its padding.
  public var sha256: String {
    "SHA256:" + String(Data(SHA256.hash(data: blob)).base64EncodedString().prefix { $0 != "=" })
  }
}
