// How a new server is connected, for those who would otherwise type four commands more.

import ArgumentParser

struct WiringOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Mode; see 'toprack server mode --help'. (default: layer3, with --vlan layer2-individual)", valueName: "mode"),
    completion: .modes)
  var mode: String?
  @Option(
    name: .customLong("vlan"),
    help: ArgumentHelp(
      "Virtual network on the server's port for VLANs, or on the port named; made when there is none. Give one for each.",
      valueName: "[port:]N"))
  var vlans: [String] = []

  func validate() throws { _ = try wanted }

  /// Port, when it is named, and number of each network.
  private var wanted: [(port: String?, number: Int)] {
    get throws {
      try vlans.map { text in
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 2, let number = Int(parts.last ?? ""), (2...3999).contains(number) else {
          throw ValidationError("--vlan '\(text)' is no virtual network; valid are a number, 2 to 3999, or PORT:NUMBER")
        }
        return (parts.count == 2 ? parts[0] : nil, number)
      }
    }
  }

  private static let individual = "layer2-individual"

  var isEmpty: Bool { mode == nil && vlans.isEmpty }

  /// Takes `device`, which has just been made, there, and returns it as it is then. What fails says so beside the
  /// server that stays.
  func apply(to device: Device, _ client: Client) async throws -> Answer {
    do {
      let mode = mode ?? Self.individual
      if mode != device.toprack.mode {
        _ = try await client.put("/toprack/devices/\(device.id)/mode", ["mode": mode])
      }
      for (name, number) in try wanted {
        let port = try device.port(name ?? Self.port(in: mode))
        let network = try await network(number, for: device, client)
        _ = try await client.post("/ports/\(port.id)/assign", ["vnid": network])
      }
      return try await client.get("/devices/\(device.id)")
    } catch let failure as Failure where failure.kind == .refused {
      throw Failure(kind: .refused, messages: failure.messages.map { "\(device.hostname) is made, but \($0)" })
    }
  }

  /// Where VLANs go when nobody says it.
  private static func port(in mode: String) -> String {
    switch mode {
    case individual: "eth0"
    case "hybrid": "eth1"
    default: "bond0"
    }
  }

  /// The UUID of the network that the server can have by that number.
  private func network(_ number: Int, for device: Device, _ client: Client) async throws -> String {
    let all: NetworkList = try await client.get("/toprack/virtual-networks", ["vxlan": "\(number)"]).decoded()
    let own = all.virtualNetworks.filter { $0.assignedTo.id == device.project.id }
    if let network = own.first(where: { $0.facilityCode == device.facility.code })
      ?? own.first(where: { $0.facilityCode == nil && $0.metroCode == device.metro?.code })
    {
      return network.id
    }
    let path = "/projects/\(device.project.id)/virtual-networks"
    let made = try await client.post(path, ["vxlan": number, "facility": device.facility.code])
    return try made.decoded(as: Network.Brief.self).id
  }
}
