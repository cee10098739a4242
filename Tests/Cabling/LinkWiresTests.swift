import FoundationEssentials
import Impairments
import Net
import Rack
import Switching
import Testing

@testable import Cabling

@Suite("Wires: links") struct LinkWiresTests {
  private func links(_ loss: Double) -> ServerImage.Links {
    var links = ServerImage.Links()
    links.eth1.toServer.loss = Fraction(loss)!
    return links
  }

  @Test(
    "a change of a link is told of both NICs, one that comes with a link of the NIC that has it, one that goes of both")
  func told() throws {
    var source = SystemEntropy()
    var rack = Rack(with: &source)
    let project = try #require(rack.project(named: "default")).id
    let outcome = try rack.perform(
      .createServer(
        ServerRequest(
          hostname: "web1", plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: project,
          place: .host)), with: &source)
    guard case .server(let id) = outcome.subject else { return }
    var wires = Wires(Switch.Limits())
    let slot = try wires.openSlot(for: id)
    let (eth0, eth1) = (Wires.nic(.eth0, slot: slot), Wires.nic(.eth1, slot: slot))

    var change = WireChange()
    change.links[id] = links(0.5)
    #expect(wires.links(change) == [eth0: ServerImage.Link(), eth1: links(0.5).eth1])
    change = WireChange()
    var image = ServerImage(of: try #require(rack.servers[id]), RoutingPlan(mac: MACAddress(0x0200_0000_0001)))
    change.made[id] = image
    #expect(wires.links(change).isEmpty)
    image.links = links(0.5)
    change.made[id] = image
    #expect(wires.links(change) == [eth1: links(0.5).eth1])
    change = WireChange()
    change.removed = [id]
    #expect(wires.links(change) == [eth0: ServerImage.Link(), eth1: ServerImage.Link()])
  }
}
