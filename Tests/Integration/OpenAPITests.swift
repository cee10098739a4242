import Foundation
import Testing

/// Calls that schemathesis makes of `openapi.yaml`, as the daemon serves it: valid ones and such as nobody would write,
/// examples of limits and random ones, single and one after the other. Run by `scripts/test --clients`. What is asked
/// of the answers is in `Tests/Clients/schemathesis`.
extension Integration {
  @Suite("Calls made of openapi.yaml", .enabled(if: ClientDriver.environment != nil, "TOPRACK_CLIENTS is not set"))
  struct OpenAPITests {
    @Test("no 5xx, no undocumented answer, and afterwards database, API and wire agree")
    func schemathesis() throws {
      let folder = try #require(ClientDriver.environment)
      let lab = try Lab(withHost: true, options: ClientDriver.options)
      let host = try #require(lab.host)
      let netns = lab.namespace("made")
      for number in 1...5 {
        try lab.toprack("server", "create", "web\(number)")
        try lab.toprack("network", "create", "--vxlan", "\(100 + number)")
      }
      for (server, mode) in [("web1", "hybrid"), ("web2", "layer2-bonded"), ("web3", "layer2-individual")] {
        try lab.toprack("server", "mode", server, mode)
      }
      for (server, port) in [("web1", "eth1"), ("web2", "bond0"), ("web3", "eth0")] {
        try lab.toprack("port", "attach", server, port, "101")
        try lab.toprack("port", "attach", server, port, "102")
      }
      let certificate = "\(lab.daemon.state)/tls-cert.pem"
      let calls = ClientDriver.sources.appendingPathComponent("schemathesis").path
      let run = try run(
        [
          "ip", "netns", "exec", host.name, "env", "-C", lab.daemon.directory, "\(folder)/python/bin/schemathesis",
          "--config-file", "\(calls)/schemathesis.toml", "run", "https://\(ClientDriver.endpoint)/openapi.yaml",
          "--url", "https://\(ClientDriver.endpoint)",
        ],
        environment: [
          "TOPRACK_ENDPOINT": ClientDriver.endpoint, "TOPRACK_TOKEN": lab.daemon.firstToken(),
          "TOPRACK_NETNS": netns.name, "REQUESTS_CA_BUNDLE": certificate, "PYTHONPATH": calls,
          "PYTHONDONTWRITEBYTECODE": "1",
        ], limit: .seconds(900))
      // The summary at the end says what was run; a failure is told before it.
      print(run.text.suffix(run.status == 0 ? 1_500 : 20_000))
      #expect(run.status == 0, "\(run.errors.suffix(2_000))")
      #expect(lab.daemon.isRunning)
      let verified = try lab.verify()
      #expect(verified.status == 0, "\(verified.text)\(verified.errors)")
    }
  }
}
