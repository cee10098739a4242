import Rack

/// What becomes of virtual machines: the difference of two files, and machines whose server is another one now.
struct LabMachineSteps {
  private(set) var steps: [LabMachineStep] = []
  private(set) var changes: [LabChange] = []

  init(_ new: LabFile?, over old: LabFile?, _ before: LabView, _ after: LabView, idle: Set<ServerID>) {
    let former = Dictionary((old?.servers ?? []).map { ($0.name, $0.value.vm) }) { one, _ in one }
    for entry in new?.servers ?? [] {
      guard let server = after.belongings.servers[entry.name] else { continue }
      let (was, vm) = (former[entry.name] ?? nil, entry.value.vm)
      let isSame = before.belongings.servers[entry.name] == server
      guard let vm else {
        guard was != nil, isSame else { continue }
        steps.append(LabMachineStep(server: server, name: entry.name, machine: nil))
        changes.append(LabChange(.remove, .vm, entry.name, from: was?.words, losing: "the machine ends"))
        continue
      }
      if was == vm, isSame, !idle.contains(server) { continue }
      steps.append(LabMachineStep(server: server, name: entry.name, machine: vm))
      if let was, isSame, was != vm {
        var list = KeyList(.vm, entry.name)
        for ((key, from), (_, to)) in zip(was.keys, vm.keys) { list.add(key, from, to) }
        list.lose("the machine is started anew")
        changes += list.changes
      } else {
        changes.append(LabChange(.create, .vm, entry.name, to: vm.words))
      }
    }
  }
}

extension LabMachine {
  fileprivate var keys: [(String, String?)] {
    [
      ("disk", disk), ("snapshot", snapshot.map(String.init)), ("kernel", kernel), ("initrd", initrd),
      ("append", append), ("memory", memory.map(LabWord.text(ofBytes:))), ("cpus", cpus.map(String.init)),
      ("cloud-init", cloudInit.map(String.init)), ("restart", restart),
    ]
  }

  fileprivate var words: String? {
    let words = keys.compactMap { key, value in value.map { "\(key) \($0)" } }
    return words.isEmpty ? nil : words.joined(separator: ", ")
  }
}
