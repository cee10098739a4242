import Foundation
import Testing

extension Integration {
  @Suite("A catalogue from a file") struct CatalogueFileTests {
    private static let text = """
      metros:
        - {code: lo, name: London, country: GB}
        - {code: ny, name: New York, country: US}
      facilities:
        - {code: ldn1, name: London 1, metro: lo, features: [baremetal, layer_2, ibx]}
        - {code: ewr1, name: Newark, metro: ny}
      plans:
        - {slug: lab.small, layer2: all, memory: 4GB}
        - {slug: lab.edge, layer2: hybrid, bonding_mode: 5, retired: true}
      """

    @Test("its plans and facilities are what there is, by the API, the command line and the rules; verify knows them")
    func replaces() throws {
      let file = FileManager.default.temporaryDirectory.appendingPathComponent("toprack-catalogue-\(UUID()).yaml").path
      try Self.text.write(toFile: file, atomically: true, encoding: .utf8)
      defer { try? FileManager.default.removeItem(atPath: file) }
      let lab = try Lab(settings: "catalogue: \(file)\npools:\n  ldn1:\n    public-ipv4: 203.0.113.0/26\n")
      let plans = try lab.toprack("plan", "list")
      #expect(plans.contains("lab.small") && plans.contains("lab.edge") && !plans.contains("c3.small.x86"))
      #expect(try lab.toprack("facility", "list").contains("ldn1"))
      #expect(try lab.toprack("os", "list").contains("debian_12"), "a list that the file lacks")
      try lab.toprack("server", "create", "web1", "--plan", "lab.small", "--facility", "ldn1")
      #expect(try lab.toprack("server", "show", "web1").contains("203.0.113.1"))
      try lab.toprack("network", "create", "--vxlan", "1001", "--facility", "ldn1")
      try lab.toprack("port", "attach", "web1", "bond0", "1001")
      #expect(try lab.toprack("server", "show", "web1").contains("hybrid-bonded"))
      try lab.toprack("server", "create", "edge1", "--plan", "lab.edge", "--facility", "ewr1")
      #expect(try lab.toprack("server", "show", "edge1").contains("hybrid"))
      let refused = try lab.toprack.attempt(["server", "create", "edge2", "--plan", "lab.edge", "--facility", "ldn1"])
      #expect(refused.status == 1 && refused.errors.contains("ldn1 has no lab.edge"), "\(refused.errors)")
      #expect(try lab.toprack("verify", "--state", lab.daemon.state).contains("agree"))
    }
  }
}
