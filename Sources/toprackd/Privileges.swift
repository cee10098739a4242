// What the process is allowed to do, asked before anything is tried, so that the error names the cause.

import Foundation
import Host

enum Privileges {
  /// Numbers of linux/capability.h.
  private static let networkAdministration = 12
  private static let systemAdministration = 21

  /// Throws when NICs cannot be made.
  static func check() throws(StartFault) {
    guard has(networkAdministration) else {
      throw StartFault(
        "making network interfaces needs CAP_NET_ADMIN: run toprackd as root, or as a service with "
          + "'systemctl start toprackd'")
    }
    // Opened, because access(2) asks on behalf of the real user and leaves capabilities out.
    let descriptor = open("/dev/net/tun", O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else {
      let remedy = errno == ENOENT || errno == ENODEV ? "; 'modprobe tun' makes it" : ""
      throw StartFault("/dev/net/tun cannot be opened: \(String(cString: strerror(errno)))\(remedy)")
    }
    close(descriptor)
  }

  /// Whether servers can be put into network namespaces.
  static var canEnterNamespaces: Bool { has(systemAdministration) }

  /// Why no virtual machines can be started; `nil`: they can.
  static var machineRefusal: String? {
    let way = "run toprackd as root by itself, or QEMU yourself after 'toprack vm attach SERVER'"
    if ServiceManager.startedUs {
      return "this daemon may not start virtual machines, as it is closed in as a service of systemd: "
        + "'systemctl enable --now toprack-machine.socket' lets it"
    }
    return getuid() == 0 ? nil : "this daemon may not start virtual machines: it is not root; \(way)"
  }

  /// Where machines are asked for by a daemon that may not start them. Tests have another one.
  static var machineSocket: String {
    ProcessInfo.processInfo.environment["TOPRACK_MACHINE_SOCKET"] ?? "/run/toprack-machine.sock"
  }

  private static func has(_ capability: Int) -> Bool {
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("CapEff:") }),
      let set = UInt64(line.dropFirst("CapEff:".count).trimmingCharacters(in: .whitespaces), radix: 16)
    else { return false }
    return set & 1 << UInt64(capability) != 0
  }
}

/// Why the daemon cannot run.
struct StartFault: Error {
  let message: String

  init(_ message: String) { self.message = message }
}
