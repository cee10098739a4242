// `wait`: for scripts and tests. The daemon waits, and answers when all is so or the time is over.

import ArgumentParser
import Foundation
import NIOCore
import Rack

struct WaitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wait",
    abstract: "Wait until servers are as they have to be.",
    discussion: """
      Ends with 0 when all that is asked for is true of all servers at one moment. When the time is over it ends with 1, and \
      says what is missing, a line for each. Without a condition it waits until the servers are active and their NICs are \
      there.

        --link        every NIC whose port carries a network or is routed
                      has its link up; --link=eth0: that one, in any case
        --lacp        a partner is in sync on every NIC of the bond
        --address     it answers ARP and neighbour discovery at each of its
                      addresses
        --ping IP     the host at IP answers echo requests from the server's
                      network namespace; not from a virtual machine
        --phone-home  its system was heard, or has phoned home, since it was
                      installed

      Examples:
        toprack wait web1 web2 --link --timeout 10s
        toprack wait fw1 --lacp
        toprack wait web1 --ping 10.0.1.2 --timeout 30s
      """)

  @Argument(help: "Names, PROJECT/NAME or UUIDs.", completion: .servers) var servers: [String]
  @Flag(help: "Links of the NICs in use are up; --link=eth0 or --link=eth1: of that NIC.") var link = false
  @Option(name: .customLong(CommandLineForms.linkOf), help: .hidden) var linkOf: String?
  @Flag(help: "The bond has a partner in sync on each of its NICs.") var lacp = false
  @Flag(help: "The server answers at its addresses.") var address = false
  @Option(help: ArgumentHelp("The host at this address answers the server.", valueName: "ip")) var ping: String?
  @Flag(help: "The server's system is up, and has said so.") var phoneHome = false
  @Option(help: ArgumentHelp("How long: 10s, 500ms, 2m, or seconds.", valueName: "time")) var timeout = "60s"
  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  /// What the answer may take beyond the time.
  private static let grace = 30_000

  func validate() throws {
    guard TimeSpan.milliseconds(timeout) != nil else {
      throw ValidationError("--timeout '\(timeout)' is no time; \(TimeSpan.rule)")
    }
    if let linkOf, !["eth0", "eth1"].contains(linkOf) {
      throw ValidationError("--link=\(linkOf) names no NIC; valid are --link, --link=eth0 and --link=eth1")
    }
    if link, linkOf != nil { throw ValidationError("--link and --link=\(linkOf ?? "") exclude each other") }
  }

  func run() async throws {
    let milliseconds = TimeSpan.milliseconds(timeout) ?? 0
    let client = try global.client(timeout: .milliseconds(Int64(milliseconds + Self.grace)))
    let answer = try await client.post(
      "/toprack/wait", ["servers": servers, "conditions": conditions, "timeout_ms": milliseconds])
    let outcome = try answer.decoded(as: Outcome.self)
    try global.output.print(json: try answer.value()) { "" }
    if outcome.met { return }
    let lines = outcome.missing.map(\.line)
    throw Failure(kind: .refused, messages: (outcome.ended.map { [$0] } ?? []) + lines)
  }

  private var conditions: [String: Any] {
    var conditions: [String: Any] = [:]
    if let linkOf { conditions["link"] = linkOf } else if link { conditions["link"] = true }
    if lacp { conditions["lacp"] = true }
    if address { conditions["address"] = true }
    if let ping { conditions["ping"] = ping }
    if phoneHome { conditions["phone_home"] = true }
    return conditions
  }

  private struct Outcome: Decodable {
    struct Missing: Decodable {
      let server: String, text: String, advice: String?

      /// `web1: no LACP partner on eth1; …`.
      var line: String { "\(server): \(text)" + (advice.map { "; \($0)" } ?? "") }
    }
    let met: Bool, ended: String?, missing: [Missing]
  }
}
