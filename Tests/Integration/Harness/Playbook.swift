import Foundation
import Testing

/// Playbooks of `Tests/Clients/ansible`, run by ansible-playbook on the daemon's host with unmodified modules.
struct Playbook {
  let lab: Lab
  let service: ServiceByName

  /// What ansible-playbook counts at the end, and all that it has said.
  struct Recap {
    let status: Int32
    let counts: [String: Int]
    let text: String

    var changed: Int { counts["changed"] ?? -1 }
  }

  func callAsFunction(_ name: String, _ variables: [String: String] = [:]) throws -> Recap {
    guard let folder = ClientDriver.environment, let host = lab.host else {
      throw HarnessError("TOPRACK_CLIENTS is not set, or the lab has no host")
    }
    let home = lab.daemon.directory
    let finished = try run(
      service.prefix(in: host) + ["\(folder)/python/bin/ansible-playbook"]
        + variables.flatMap { ["-e", "\($0.key)=\($0.value)"] } + ["\(ClientDriver.sources.path)/ansible/\(name).yml"],
      environment: [
        "PACKET_API_TOKEN": lab.daemon.firstToken(), "ANSIBLE_COLLECTIONS_PATH": "\(folder)/collections",
        "ANSIBLE_HOME": "\(home)/ansible", "HOME": home, "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
      ].merging(service.environment) { $1 }, limit: .seconds(120))
    // localhost : ok=9 changed=4 unreachable=0 failed=0 …
    let lines = finished.text.split(separator: "\n")
    let recap = lines.last { $0.hasPrefix("localhost") && $0.contains("changed=") } ?? ""
    let counts = recap.split(separator: " ").compactMap { word -> (String, Int)? in
      let parts = word.split(separator: "=")
      guard parts.count == 2, let count = Int(parts[1]) else { return nil }
      return (String(parts[0]), count)
    }
    return Recap(
      status: finished.status, counts: Dictionary(counts) { $1 },
      text: "\(name) \(variables)\n\(finished.text)\(finished.errors)")
  }

  /// Runs it to success with so many changes, and again without any: that is what Ansible promises.
  func settles(
    _ name: String, _ variables: [String: String] = [:], changes: Int,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    for expected in [changes, 0] {
      let recap = try self(name, variables)
      #expect(
        recap.status == 0 && recap.changed == expected, "\(expected) changes: \(recap.text)",
        sourceLocation: sourceLocation)
    }
  }
}
