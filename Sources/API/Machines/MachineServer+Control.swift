// A server of the rack as its virtual machine sees it.

import HTTPTypes
public import Host
public import MachineHost
import Machines
import Net
public import Rack

extension MachineServer {
  /// `locations`: where its NICs are.
  public init(_ server: Server, at locations: [PortName: NICLocation]) {
    let nics = PortName.nics.compactMap { name -> NIC? in
      guard let location = locations[name], let mac = server[name].mac else { return nil }
      return NIC(
        name: name, mac: mac.description, interface: location.device, index: location.index,
        namespace: location.namespace)
    }
    self.init(id: server.id, name: server.hostname, number: server.number, isOn: server.isPoweredOn, nics: nics)
  }
}

extension View {
  /// The machine of a server that the view has given out.
  func machineServer(_ server: Server) -> MachineServer {
    var locations: [PortName: NICLocation] = [:]
    for nic in PortName.nics { locations[nic] = location(of: nic, server) }
    return MachineServer(server, at: locations)
  }

  /// What cloud-init is told of it. Throws 422 where it is too much.
  func seed(of server: Server) throws(APIError) -> [UInt8] {
    let seed = CloudInitSeed(
      instance: "\(server.id)", hostname: server.hostname, keys: keyLines(of: server),
      userdata: server.details.userdata,
      network: networkConfig(of: server, withBond: true).text(.cloudInit))
    guard let disk = seed.disk else {
      throw .invalid("the userdata of \(server.hostname) does not fit cloud-init's disk")
    }
    return disk
  }
}

extension APIError {
  init(_ fault: MachineFault) {
    switch fault.kind {
    case .refused: self = .invalid(fault.message)
    case .unknown: self = .unknown(fault.message)
    case .unavailable: self.init(.serviceUnavailable, fault.message)
    }
  }
}
