import Foundation
import Glibc

/// A DHCP client that somebody else wrote, on a tenant's eth0: in the foreground, with an /etc and a hostname of its own,
/// so that it may set what it likes.
final class DHCPClient {
  enum Program {
    /// `lease`: what it remembers from before.
    case dhclient(lease: String?)
    /// With these options added.
    case udhcpc([String])
  }

  private let process: ChildProcess
  private let directory: String

  init(_ program: Program, on tenant: Tenant) throws {
    directory = "\(tenant.lab.daemon.directory)/dhcp-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let command: String
    switch program {
    case .dhclient(let lease):
      try (lease ?? "").write(toFile: "\(directory)/leases", atomically: false, encoding: .utf8)
      command = "dhclient -d -v -lf \(directory)/leases -pf \(directory)/pid eth0"
    case .udhcpc(let options):
      // The script of the package, and what it was called with.
      let script = """
        #!/bin/sh
        { echo "event=$1"; env; } >> \(directory)/events
        . /etc/udhcpc/default.script
        """
      try script.write(toFile: "\(directory)/script", atomically: false, encoding: .utf8)
      chmod("\(directory)/script", 0o755)
      command = (["udhcpc -f -R -t 10 -T 1 -i eth0 -s \(directory)/script"] + options).joined(separator: " ")
    }
    process = try ChildProcess([
      "ip", "netns", "exec", tenant.namespace.name, "unshare", "--mount", "--uts", "sh", "-e", "-c",
      """
      mount --make-rprivate /
      cp -a /etc \(directory)/etc
      mount --bind \(directory)/etc /etc
      hostname localhost
      exec \(command)
      """,
    ])
  }

  /// What it says it did.
  var log: String { String(decoding: process.standardError + process.standardOutput, as: UTF8.self) }

  /// Calls of udhcpc's script, each with the variables that it had.
  var events: [[String: String]] {
    let text = (try? String(contentsOfFile: "\(directory)/events", encoding: .utf8)) ?? ""
    return text.components(separatedBy: "event=").dropFirst().map { block in
      let lines = "event=\(block)".split(separator: "\n").compactMap { line in
        line.firstIndex(of: "=").map { (String(line[..<$0]), String(line[line.index(after: $0)...])) }
      }
      return Dictionary(lines, uniquingKeysWith: { $1 })
    }
  }

  /// The hostname where it runs.
  func hostname() throws -> String {
    try runSuccessfully(["nsenter", "--target", "\(process.pid)", "--uts", "hostname"]).text
      .trimmingCharacters(in: .newlines)
  }

  /// The nameservers that it set.
  var nameservers: String {
    (try? String(contentsOfFile: "\(directory)/etc/resolv.conf", encoding: .utf8)) ?? ""
  }

  func signal(_ number: Int32) { process.signal(number) }

  /// Whether it ended by itself.
  func ends() -> Bool { process.wait(until: .after(.seconds(10))) != nil }

  /// Lets dhclient give its lease back, and waits for its end.
  func release(on tenant: Tenant) throws {
    try tenant.shell(
      "dhclient -r -v -lf \(directory)/leases -pf \(directory)/pid -sf /bin/true eth0 2>&1; "
        + "ip address flush dev eth0; ip route flush dev eth0")
  }
}
