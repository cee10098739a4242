// Virtual machines for people.

enum VMText {
  /// "web1 is running, process 4711"
  static func line(_ machine: VMStatus) -> String {
    let process = machine.pid.map { ", process \($0)" } ?? ""
    return "the machine of \(machine.server) is \(state(machine))\(process)"
  }

  static func facts(_ machine: VMStatus) -> String {
    var facts = [("server", machine.server), ("state", state(machine))]
    if let pid = machine.pid { facts.append(("process", "\(pid)")) }
    if let accelerator = machine.accelerator { facts.append(("accelerator", accelerator)) }
    if let console = machine.console {
      facts.append(("console", "'toprack console \(machine.server)', at \(console)"))
    }
    guard !machine.nics.isEmpty else { return Table.facts(facts) }
    var table = Table("NIC", "HOW", "INTERFACE", "TAP", "MAC", "HEARD", "LACP")
    for nic in machine.nics {
      let place = nic.netns.map { " in netns \($0)" } ?? ""
      table.add(
        nic.nic, nic.how, nic.interface.map { $0 + place } ?? "-", nic.tap ?? "-", nic.mac ?? "-",
        heard(nic.macsHeard ?? []), nic.lacp.map { $0 ? "yes" : "no" } ?? "-")
    }
    let advice = machine.nics.compactMap { nic in nic.advice.map { "\(machine.server) \(nic.nic): \($0)" } }
    return ([Table.facts(facts), table.text] + advice).joined(separator: "\n")
  }

  static func table(_ machines: [VMStatus]) -> String {
    guard !machines.isEmpty else { return "no virtual machines; 'toprack vm run SERVER --disk IMAGE' starts one" }
    var table = Table("SERVER", "STATE", "PROCESS", "ACCELERATOR", "NICS", "REASON")
    for machine in machines {
      table.add(
        machine.server, machine.state, machine.pid.map(String.init) ?? "-", machine.accelerator ?? "-",
        machine.nics.map { "\($0.nic) \($0.how)" }.joined(separator: ", "), machine.reason ?? "-")
    }
    return table.text
  }

  private static func state(_ machine: VMStatus) -> String {
    machine.state + (machine.reason.map { ": \($0)" } ?? "")
  }

  /// A machine may have as many as it likes.
  private static func heard(_ addresses: [String]) -> String {
    guard let first = addresses.first else { return "-" }
    let rest = addresses.count - 1
    return rest == 0 ? first : "\(first) and \(rest) more"
  }
}
