import Labs

/// A file of which the reading is tried.
enum LabReading {
  /// `LINE:COLUMN: message`, a line each; empty when the file is right.
  static func faults(
    _ text: String, baseDirectory: String? = "/labs", settings: [(path: String, value: String)] = []
  ) -> [String] {
    switch LabReader.read(text, baseDirectory: baseDirectory, settings: settings) {
    case .success: []
    case .failure(let faults): faults.faults.map { "\($0.line):\($0.column): \($0.message)" }
    }
  }

  static func file(
    _ text: String, baseDirectory: String? = "/labs", settings: [(path: String, value: String)] = []
  ) throws -> LabFile {
    try LabReader.read(text, baseDirectory: baseDirectory, settings: settings).get().0
  }

  /// That of the contract.
  static let example = """
    lab: shop                       # the name of the ownership
    defaults: {facility: ewr1, plan: c3.small.x86, project: shop}
    networks: {web: {vxlan: 1001}, db: {vxlan: 1002, description: back end}}
    servers:
      web[1-2]: {mode: hybrid, ports: {eth1: [web]}}
      fw1:
        mode: layer2-bonded
        ports: {bond0: {networks: [web, db], native: web}}
        place: netns                # host | netns | netns:NAME | vm
        nics: {eth0: eth1, eth1: eth2}
      db1: {mode: layer2-individual, ports: {eth0: [db], eth1: []}, vm: {kernel: k, initrd: i, memory: 256M}}
    addresses: {front: {size: 29, server: web1}}
    checks: [{from: web1, ping: 10.0.1.2, within: 10s}, {server: fw1, lacp: both, within: 10s}]

    """
}
