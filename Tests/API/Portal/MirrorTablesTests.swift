import Rack
import Testing

@testable import API

@Suite("Mirrors in the portal") struct MirrorTablesTests {
  @Test("a server's page and the networks' page have their mirrors, and no page another's")
  func tables() async throws {
    try await Browser.test { browser in
      try await browser.signIn()
      let keeper = browser.keeper
      let (web, other) = (try await keeper.server("web1"), try await keeper.server("other"))
      let network = try await keeper.network(1001)
      let requests = [
        MirrorRequest(name: "look<b>", source: .port(web.bond0.id), filter: "arp", end: .device("mon0")),
        MirrorRequest(name: "of the network", source: .network(network.id), end: .device("mon1")),
      ]
      for request in requests { _ = try await keeper.perform(.createMirror(request), by: "test") }
      let page = try await browser.get("/portal/servers/\(web.id)").text
      #expect(page.contains("<caption>Mirrors</caption>") && page.contains("look&lt;b&gt;"))
      #expect(page.contains("<code>web1:bond0</code>") && page.contains("<code>mon0</code>") && !page.contains("mon1"))
      #expect(try await !browser.get("/portal/servers/\(other.id)").text.contains("<caption>Mirrors</caption>"))
      let networks = try await browser.get("/portal/projects/\(await keeper.project)/networks").text
      #expect(networks.contains("<code>vxlan:1001</code>") && networks.contains("mon1") && !networks.contains("mon0"))
    }
  }
}
