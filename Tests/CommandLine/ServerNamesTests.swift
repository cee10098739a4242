import Foundation
import Rack
import Testing

@testable import toprack

@Suite("What servers are called on a command line") struct ServerNamesTests {
  private static func device(_ hostname: String, _ project: String, _ id: String) throws -> Device {
    let json = """
      {"id": "\(id)", "hostname": "\(hostname)", "description": null, "tags": [], "state": "active",
       "createdAt": "", "locked": false, "networkFrozen": false,
       "operatingSystem": {"slug": "", "name": "", "provisionableOn": []}, "plan": {"slug": ""},
       "facility": {"code": ""}, "metro": null, "project": {"id": "p", "name": "\(project)"}, "ipAddresses": [],
       "networkPorts": [], "toprack": {"mode": "", "place": "", "namespace": null, "interfaces": {}, "mtu": 1500}}
      """
    return try JSONDecoder().decode(Device.self, from: Data(json.utf8))
  }

  private static func names() throws -> ServerNames {
    ServerNames([
      try device("db1", "shop", "1"), try device("web1", "shop", "2"), try device("Web1", "lab", "3"),
      try device("app", "twin", "4"), try device("app", "twin", "5"),
    ])
  }

  @Test("by hostname, by PROJECT/HOSTNAME where several have it, by UUID where even that means several")
  func offered() throws {
    #expect(try Self.names().all == ["db1", "shop/web1", "lab/Web1", "4", "5"])
  }

  @Test("by UUID where the project's name is no plain word, since a shell would read it")
  func plain() throws {
    let names = ServerNames([
      try Self.device("web1", "$(reboot)", "1"), try Self.device("web1", "my shop", "2"),
      try Self.device("web1", "lab", "3"), try Self.device("db1", "$(reboot)", "4"),
    ])
    #expect(names.all == ["1", "2", "lab/web1", "db1"])
  }

  @Test("a word of a line means one server, or none")
  func meant() throws {
    let names = try Self.names()
    for (word, id) in [
      ("db1", "1"), ("DB1", "1"), ("shop/db1", "1"), ("lab/web1", "3"), ("5", "5"), ("web1", nil), ("twin/app", nil),
      ("app", nil), ("nobody", nil),
    ] as [(String, String?)] {
      #expect(names.device(word)?.id == id, "\(word)")
    }
  }

  @Test("in a table a hostname has its project before it where another server's rows have it, too")
  func labels() {
    let labels = ServerLabels(
      [("web1", "1"), ("web1", "1"), ("db1", "2"), ("db1", "3")] as [(hostname: String, id: String)])
    #expect(labels.label("web1", "shop") == "web1")
    #expect(labels.label("db1", "shop") == "shop/db1")
    #expect(labels.label("db1", nil) == "db1")
  }

  @Test("verify tells servers of one name apart, by project, and by UUID where projects have one name")
  func facts() throws {
    var source = SystemEntropy()
    var rack = Rack(with: &source)
    var projects = [try #require(rack.project(named: "default")).id]
    for _ in 0..<2 {
      let outcome = try rack.perform(.createProject(name: "twin", customdata: "{}"), with: &source)
      if case .project(let id) = outcome.subject { projects.append(id) }
    }
    for project in projects {
      try rack.perform(
        .createServer(
          ServerRequest(
            hostname: "web1", plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: project,
            place: .named)), with: &source)
      try rack.perform(
        .createNetwork(NetworkRequest(project: project, facility: "ewr1", vxlan: 1001, description: nil)), with: &source
      )
    }
    let names = Names(rack)
    let servers = rack.servers(named: "web1").map { names.server("\($0.id)") }
    #expect(Set(servers).count == 3 && servers.contains("default/web1"), "\(servers)")
    // Three projects, and a server with three ports and a network in each.
    #expect(Facts.api(of: rack).subjects.count == 3 * (1 + 4 + 1))
    #expect(Facts.wire(of: rack).subjects.count == 3 * 3)
    #expect(Facts.kernel(of: rack).subjects.count == 3 * (2 + 1))
  }
}
