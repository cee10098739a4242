// `server repair`.

import ArgumentParser

extension ServerCommand {
  struct Repair: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Put a server's NICs back, and make those that are gone again.",
      discussion: """
        A NIC that was moved or renamed gets its place and its name again, one that is gone is made anew, with the same MAC \
        address, and a network namespace that has lost its name gets it again. Where another namespace has the name now, the \
        NICs are made anew in that one. 'toprack server show NAME' says what is wrong; a server that is whole is refused.

        Example: toprack server repair web1
        """)

    @Argument(help: "Name or UUID.", completion: .servers) var server: String
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.post("/toprack/devices/\(Client.segment(server))/repair", [:])
      try global.output.print(json: try answer.value()) {
        let device: Device = try answer.decoded()
        let repaired: Repaired = try answer.decoded()
        return ([device.hostname + " is whole"] + repaired.repaired).joined(separator: "\n")
      }
    }
  }

  private struct Repaired: Decodable { let repaired: [String] }
}
