import Control
import Rack
import Testing

@testable import API

@Suite("What the portal draws") struct RenderingTests {
  /// Markup, the ends of attributes, a template's own syntax; and a quote that a combining mark makes another Character.
  private static let hostile = #"<script>alert(1)</script>" onfocus=x '{{title}} & "\#u{301} onload=y "#

  @Test("what is syntax of HTML is escaped, whatever stands behind it")
  func escaping() {
    let text = HTMLText().escapeText("a<b>\"c'&\"\u{301}<\u{20DD}é")
    #expect(text == "a&lt;b&gt;&quot;c&#39;&amp;&quot;\u{301}&lt;\u{20DD}é")
    #expect(HTMLText().escapeText("plain – ö") == "plain – ö")
  }

  @Test("a description with markup is text on every page, and in the picture")
  func hostileDescriptions() async throws {
    try await Browser.test { browser in
      try await browser.signIn()
      let server = try await browser.keeper.server("web1", description: Self.hostile)
      let network = try await browser.keeper.network(1001, description: Self.hostile)
      _ = try await browser.keeper.perform(.createProject(name: Self.hostile, customdata: "{}"), by: "test")
      _ = try await browser.keeper.perform(.setMode(server.id, .hybrid), by: "test")
      _ = try await browser.keeper.perform(.assign(server.eth1.id, .id(network.id)), by: "test")
      let project = await browser.keeper.project
      for path in [
        "/portal", "/portal/projects/\(project)/servers", "/portal/projects/\(project)/networks",
        "/portal/projects/\(project)/ips", "/portal/projects/\(project)/rack", "/portal/projects/\(project)/rack.svg",
        "/portal/servers/\(server.id)", "/portal/servers/\(server.id)/network",
        "/portal/servers/\(server.id)/attach/eth1",
        "/portal/servers/\(server.id)/nics/eth0", "/portal/servers/\(server.id)/delete",
      ] {
        let page = try await browser.get(path)
        #expect(page.status == 200, "\(path)")
        #expect(!page.text.contains("<script>") && !page.text.contains("\"\u{301}"), "\(path)")
        #expect(!page.text.unicodeScalars.contains { $0 == "\u{0}" })
        #expect(!page.text.contains("{{" + "#") && !page.text.contains("{{>"))
      }
      let networks = try await browser.get("/portal/projects/\(project)/networks").text
      #expect(networks.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot; onfocus=x &#39;{{title}} &amp; "))
      // What was refused is shown again in its field.
      let path = "/portal/projects/\(project)/networks"
      let refused = try await browser.send(
        path, from: path, ["place": "facility:ewr1", "numbers": "1001", "description": Self.hostile])
      #expect(refused.status == 422 && !refused.text.contains("<script>"))
    }
  }

  @Test(
    "numbers of networks",
    arguments: [
      ("", [nil]), (" ", [nil]), ("7", [7]), ("7,8 10-12", [7, 8, 10, 11, 12]), ("1–3", [1, 2, 3]),
    ] as [(String, [Int?])])
  func numbers(_ text: String, _ expected: [Int?]) throws {
    #expect(try NetworksPage.numbers(text) == expected)
  }

  @Test("numbers that are none", arguments: ["a", "1-", "3-1", "1-2-3", "1-65", "-1", "1.5"])
  func badNumbers(_ text: String) {
    #expect(throws: APIError.self) { try NetworksPage.numbers(text) }
  }

  @Test("rates, bytes and counts are short")
  func words() {
    #expect(
      [0, 830, 1200, 12_345_678, 999_960].map { Words.rate(Double($0)) }
        == ["0", "830 bit/s", "1.2 kbit/s", "12 Mbit/s", "1.0 Mbit/s"])
    #expect(Words.bytes(0) == "0 B" && Words.bytes(1_500_000) == "1.5 MB")
    #expect(Words.count(1_234_567) == "1\u{202F}234\u{202F}567" && Words.count(7) == "7")
    #expect(Words.list([]) == "" && Words.list(["a", "b", "c"]) == "a, b and c")
  }

  @Test("traffic is a rate of what was counted, also when counters begin anew")
  func history() async throws {
    let keeper = RackAlone()
    let server = try await keeper.server("web1").id
    let history = TrafficHistory(keeper: keeper)
    func record(_ bytes: UInt64) {
      history.record([server: bytes], after: .seconds(5))
    }
    for bytes in [1000, 6000, 6000, 500] as [UInt64] { record(bytes) }
    #expect(history.rates(of: server) == [8000, 0, 800])
    for _ in 0..<100 { record(500) }
    #expect(history.rates(of: server).count == TrafficHistory.length)
    history.record([:], after: .seconds(5))
    #expect(history.rates(of: server).isEmpty)
    #expect(Sparkline.points([0, 0]) == nil && Sparkline.points([1, 2])?.hasSuffix("90,1") == true)
  }

  @Test("health says what is wrong first")
  func health() async throws {
    let keeper = RackAlone()
    let server = try await keeper.server("web1")
    let up = NICTraffic(linkUp: true, rxBytes: 0, txBytes: 0)
    #expect(Health(server, [.eth0: up, .eth1: up], []).level == .fair, "no partner")
    #expect(Health(server, [.eth0: up], []).links == "eth0 only")
    #expect(Health(server, [:], []).level == .bad)
    _ = try await keeper.perform(.setPower(server.id, on: false), by: "test")
    #expect(Health(try #require(await keeper.rack.servers[server.id]), [:], []).level == .off)
    _ = try await keeper.perform(.setPower(server.id, on: true), by: "test")
    _ = try await keeper.perform(.setMode(server.id, .layer2Individual), by: "test")
    let free = try #require(await keeper.rack.servers[server.id])
    #expect(Health(free, [.eth0: up, .eth1: up], []).level == .good)
  }

  @Test("a NIC that nobody uses is no fault; one with a VLAN, an address or a bond on it is")
  func unusedNICs() async throws {
    let keeper = RackAlone()
    let id = try await keeper.server("web1").id
    let up = NICTraffic(linkUp: true, rxBytes: 0, txBytes: 0)
    func level(_ nics: PortName...) async throws -> Health.Level {
      let server = try #require(await keeper.rack.servers[id])
      return Health(server, Dictionary(uniqueKeysWithValues: nics.map { ($0, up) }), []).level
    }
    _ = try await keeper.perform(.setMode(id, .layer2Individual), by: "test")
    #expect(try await level() == .off, "nothing is on any of them")
    #expect(try await level(.eth1) == .good)
    let network = try await keeper.network(1001)
    let ports = try #require(await keeper.rack.servers[id])
    _ = try await keeper.perform(.assign(ports.eth1.id, .id(network.id)), by: "test")
    #expect(try await level(.eth1) == .good)
    #expect(try await level(.eth0) == .bad, "the one that is used is down")
    _ = try await keeper.perform(.assign(ports.eth0.id, .id(network.id)), by: "test")
    #expect(try await level(.eth1) == .fair)
    _ = try await keeper.perform(.unassign(ports.eth0.id, .id(network.id)), by: "test")
    _ = try await keeper.perform(.unassign(ports.eth1.id, .id(network.id)), by: "test")
    // eth0 is in the bond, with addresses; eth1 is free.
    _ = try await keeper.perform(.setMode(id, .hybrid), by: "test")
    #expect(try await level() == .bad)
    #expect(try await level(.eth1) == .bad)
  }

  @Test("what status calls wrong is on every page, escaped, and on a server's own page once")
  func trouble() async throws {
    try await Browser.test { browser in
      try await browser.signIn()
      let web = try await browser.keeper.server("web1")
      let other = try await browser.keeper.server("web2")
      let project = await browser.keeper.project
      let paths = [
        "/portal", "/portal/projects/\(project)/servers", "/portal/projects/\(project)/networks",
        "/portal/projects/\(project)/rack", "/portal/projects/\(project)/ips", "/portal/servers/\(web.id)",
        "/portal/servers/\(web.id)/network", "/portal/servers/\(web.id)/nics/eth0",
      ]
      for path in paths {
        let text = try await browser.get(path).text
        #expect(!text.contains("class=\"trouble\""), "\(path)")
      }
      await browser.keeper.suffer([
        Problem(kind: "gateway", text: "nobody <routes> back"),
        Problem(kind: "nic-lost", server: other.id, port: .eth0, text: "eth0 of web2 is lost"),
        Problem(kind: "nic-lost", server: web.id, port: .eth0, text: "eth0 of web1 is lost"),
      ])
      for path in paths {
        let text = try await browser.get(path).text
        #expect(text.contains("nobody &lt;routes&gt; back") && text.contains("eth0 of web2 is lost"), "\(path)")
        // Its own page has it where it can be repaired.
        #expect(text.contains("eth0 of web1 is lost") == (path != "/portal/servers/\(web.id)"), "\(path)")
      }
      await browser.keeper.suffer((1...7).map { Problem(kind: "k\($0)", text: "fault \($0)") })
      let text = try await browser.get("/portal").text
      #expect(text.contains("fault 5") && !text.contains("fault 6") && text.contains("and 2 more"))
    }
  }

  @Test("a server's pages begin with what is wrong with it and in its facility, before what is wrong elsewhere")
  func troubleNearby() async throws {
    try await Browser.test { browser in
      try await browser.signIn()
      let web = try await browser.keeper.server("web1")
      let near = try await browser.keeper.server("near")
      let far = try await browser.keeper.server("far", facility: "ams1")
      await browser.keeper.suffer(
        (1...5).map { Problem(kind: "k\($0)", server: far.id, text: "far fault \($0)") } + [
          Problem(kind: "nic-lost", server: near.id, text: "near is in trouble"),
          Problem(kind: "nic-lost", server: web.id, text: "web1 is in trouble"),
        ])
      let page = try await browser.get("/portal/servers/\(web.id)/network").text
      let own = try #require(page.firstRange(of: "web1 is in trouble")).lowerBound
      let next = try #require(page.firstRange(of: "near is in trouble")).lowerBound
      let last = try #require(page.firstRange(of: "far fault 1")).lowerBound
      #expect(own < next && next < last)
      #expect(page.contains("far fault 3") && !page.contains("far fault 4") && page.contains("and 2 more"))
      // Elsewhere they stand in the order of `toprack status`.
      let list = try await browser.get("/portal").text
      #expect(list.contains("far fault 5") && !list.contains("near is in trouble"))
    }
  }

  @Test("a token of a project is told of its own servers' problems, on every page")
  func troubleOfOthers() async throws {
    try await Browser.test { browser in
      let own = try await browser.keeper.server("web1")
      guard
        case .project(let project) = try await browser.keeper.perform(
          .createProject(name: "tenant", customdata: "{}"), by: "test"
        ).subject
      else { return }
      try await browser.signIn(project: project)
      await browser.keeper.suffer([
        Problem(kind: "gateway", text: "no way out"), Problem(kind: "loop", server: own.id, text: "eth1 of web1 loops"),
      ])
      let text = try await browser.get("/portal").text
      #expect(!text.contains("no way out") && !text.contains("web1"))
    }
  }

  @Test("what a conversion would do is what it does", arguments: NetworkMode.settable, NetworkMode.settable)
  func choices(_ from: NetworkMode, _ to: NetworkMode) async throws {
    let keeper = RackAlone()
    let id = try await keeper.server("web1").id
    _ = try await keeper.perform(.setMode(id, from), by: "test")
    let before = try #require(await keeper.rack.servers[id])
    let choice = ModeChoice(to, of: before, in: await keeper.rack.whole)
    #expect(choice.isCurrent == (from == to) && choice.refusal.isEmpty)
    _ = try await keeper.perform(.setMode(id, to), by: "test")
    let after = try #require(await keeper.rack.servers[id])
    let lost = before.addresses.filter { !after.addresses.contains($0) }
    #expect(choice.isLoss == (!lost.isEmpty))
    for address in lost { #expect(choice.consequences[0].text.contains(address.address)) }
  }

  @Test("every template is used, and every asset is part of the program")
  func assets() throws {
    _ = try Templates()
    #expect(PortalAssets.all["portal.css"]?.isEmpty == false && PortalAssets.all["portal.js"]?.isEmpty == false)
  }
}
