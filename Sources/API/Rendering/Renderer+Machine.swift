// Virtual machines on servers' NICs, which the original service does not show.

import MachineHost
import Machines
import Rack

extension Renderer {
  /// `hearing`: what was asked of the switch, by NIC.
  func machine(of server: Server, _ status: MachineStatus, _ hearing: [PortName: Hearing] = [:]) -> JSON {
    // Paths of the host are its administrator's.
    let seesHost = access.scope == .all
    func nic(_ nic: MachineStatus.NIC) -> JSON {
      let heard = hearing[nic.name]
      return [
        "nic": .string(nic.name.rawValue), "how": .string(nic.how.rawValue), "interface": JSON(nic.interface),
        "tap": .string(nic.tap), "device": JSON(nic.device), "mac": .string(nic.mac), "netns": JSON(nic.namespace),
        "macs_heard": .list(heard?.macs ?? []), "lacp": heard?.hasLACP.map(JSON.boolean) ?? nil,
        "advice": JSON(heard?.advice ?? nic.fault),
      ]
    }
    return [
      "server": .string(server.hostname), "server_id": server.id.json, "name": .string(server.hostname),
      "project": projectName(of: server.id), "state": .string(status.state.rawValue), "reason": JSON(status.reason),
      "pid": status.process.map(JSON.integer) ?? nil, "accelerator": JSON(status.accelerator?.name),
      "accelerator_reason": JSON(status.accelerator?.reason), "nics": .array(status.nics.map(nic)),
      "console": seesHost ? .string(status.console) : nil, "spec": seesHost ? status.spec.map(spec) ?? nil : nil,
    ]
  }

  private func spec(_ spec: MachineSpec) -> JSON {
    [
      "disk": JSON(spec.disk), "snapshot": .boolean(spec.snapshot), "kernel": JSON(spec.kernel),
      "initrd": JSON(spec.initrd), "append": JSON(spec.append), "memory": .integer(spec.memory),
      "cpus": .integer(spec.cpus), "cloud_init": .boolean(spec.cloudInit), "restart": .string(spec.restart.rawValue),
    ]
  }
}
