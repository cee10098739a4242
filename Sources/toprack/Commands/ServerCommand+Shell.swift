// `server shell`: a shell, or one command, where a server's NICs are. `ip netns exec` does the work, so that /sys and
// /etc/netns/NAME are the namespace's, as everybody knows it from there.

import ArgumentParser
import Foundation
import Glibc

extension ServerCommand {
  struct Shell: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Run a shell, or a command, where a server's NICs are.",
      discussion: """
        Works on the daemon's machine, as root. Without a command it is $SHELL. $TOPRACK_SERVER is the server's name \
        in it. The exit status is the command's.

        Examples:
          toprack server shell web1
          toprack server shell web1 -- tcpdump -e -n -i eth0
          toprack server shell web1 -- sh -c 'ip address; ip route'
        """)

    @Argument(help: "Name, PROJECT/NAME or UUID.", completion: .servers) var server: String
    @Argument(parsing: .postTerminator, help: ArgumentHelp("After '--'; $SHELL if not given.", valueName: "command"))
    var command: [String] = []
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func validate() throws {
      if global.json { throw ValidationError("--json and a shell exclude each other") }
    }

    func run() async throws {
      let client = try global.client
      guard case .socket = client.endpoint else {
        throw Failure.refused("a shell runs where the server's NICs are: use it on the daemon's machine, by its socket")
      }
      let device = try await client.device(server)
      let words = try Self.words(for: device, command: command, environment: ProcessInfo.processInfo.environment)
      setenv("TOPRACK_SERVER", device.hostname, 1)
      try Self.become(words)
    }

    /// What to run, found by PATH.
    static func words(for device: Device, command: [String], environment: [String: String]) throws -> [String] {
      let shell = environment["SHELL"].flatMap { $0.isEmpty ? nil : $0 } ?? "/bin/sh"
      let inside = command.isEmpty ? [shell] : command
      guard let namespace = try namespace(of: device) else { return inside }
      return ["ip", "netns", "exec", namespace] + inside
    }

    /// The name of the namespace that both NICs are in; nil: the daemon's host.
    private static func namespace(of device: Device) throws -> String? {
      let repair = "'toprack server repair \(device.hostname)' puts it right"
      let spaces = Set(
        device.toprack.interfaces.keys.map { device.toprack.namespaces?[$0] ?? device.toprack.namespace })
      guard let space = spaces.first else {
        throw Failure.refused("\(device.hostname) has no NIC now: \(repair)")
      }
      guard spaces.count == 1 else {
        let names = spaces.map { $0.map { "netns \($0)" } ?? "the host" }.sorted().joined(separator: " and ")
        throw Failure.refused("the NICs of \(device.hostname) are in \(names): \(repair)")
      }
      // The daemon knows a namespace without a name by its number.
      guard space?.hasPrefix("net:") != true else {
        throw Failure.refused("the NICs of \(device.hostname) are in a namespace without a name: \(repair)")
      }
      return space
    }

    /// Ends this program and begins that one in its place.
    private static func become(_ words: [String]) throws -> Never {
      var arguments = words.map { strdup($0) } + [nil]
      execvp(words[0], &arguments)
      let fault = errno
      throw Failure.refused(
        fault == ENOENT && words[0] == "ip"
          ? "ip is not here: apt-get install iproute2"
          : "\(words[0]) cannot be run: \(String(cString: strerror(fault)))")
    }
  }
}
