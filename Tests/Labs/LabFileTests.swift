import FoundationEssentials
import Labs
import Rack
import Testing

@Suite("Lab files as values") struct LabFileTests {
  @Test("a file is the same after JSON, which the state keeps it as")
  func coding() throws {
    let file = LabFile(
      name: "shop", defaults: LabDefaults(facility: "ewr1", place: .namespace("a")),
      networks: [LabEntry("web", LabNetwork(vxlan: 1001))],
      servers: [
        LabEntry("web1", LabServer(mode: .hybrid, place: .vm, ports: [.eth1: LabPort(networks: ["web"])]))
      ],
      addresses: [LabEntry("front", LabAddressBlock(size: 29, server: "web1"))],
      checks: [LabCheck(name: "web1 lacp both", question: .lacp(server: "web1", nic: nil))])
    let again = try JSONDecoder().decode(LabFile.self, from: JSONEncoder().encode(file))
    #expect(again == file)
  }

  @Test("a place that is not in the file is that of what it is in")
  func positions() {
    var positions = LabPositions()
    positions[["servers", "web1"]] = .init(line: 3, column: 5)
    #expect(positions[["servers", "web1", "ports", "eth0"]] == .init(line: 3, column: 5))
    #expect(positions[["networks"]] == nil)
    #expect(positions.fault(at: ["networks"], "x") == LabFault(line: 0, column: 0, message: "x"))
  }
}
