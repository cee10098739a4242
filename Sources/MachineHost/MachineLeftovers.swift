// Virtual machines of racks without a daemon, for `toprack cleanup`.

import FoundationEssentials
import Glibc
package import Host
import Ports
package import Rack

/// A QEMU that a daemon has started, found without the daemon.
///
/// ## How it works
/// Every process is asked for its words. A QEMU of ours was told to write its number into `machines/UUID/pid` of a state
/// directory, and has the same UUID as its machine's. That is what it says of itself: it is ours when that file has its
/// number, too (`QEMUProcess`), and nothing else is ever ended.
package struct MachineLeftover {
  package let process: Int
  package let server: ServerID
  /// The daemon's.
  package let state: String
  private let file: String

  /// All that there are, of whatever rack.
  package static func all() -> [MachineLeftover] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap(Int.init).sorted().compactMap(MachineLeftover.init)
  }

  private init?(_ process: Int) {
    guard let words = QEMUProcess.words(of: process),
      let file = QEMUProcess.value(of: QEMUProcess.fileOption, in: words), file.hasPrefix("/"),
      let server = QEMUProcess.value(of: "-uuid", in: words).flatMap(ServerID.init)
    else { return nil }
    let end = "/machines/\(server)/pid"
    guard file.hasSuffix(end) else { return nil }
    (self.process, self.server, self.file) = (process, server, file)
    state = String(file.dropLast(end.count))
  }

  /// `isInUse`: whether a daemon works on a state directory.
  package func belonging(isInUse: @escaping (String) -> Bool) -> Leftovers.Belonging {
    Leftovers.Belonging(.machine(process: process, server: "\(server)")) { end(isInUse) }
  }

  private func end(_ isInUse: (String) -> Bool) -> String? {
    let what = "process \(process), the virtual machine of server \(server),"
    if isInUse(state) { return "\(what) is of a daemon that runs with \(state); stop it first" }
    guard let qemu = QEMUProcess(writtenIn: file), qemu.process.id == process else {
      return "\(what) was left alone, since \(file) does not have its number: 'kill \(process)' ends it"
    }
    return qemu.end() ? nil : "\(what) was killed and does not end: it may wait for a disk"
  }
}

extension GuestLink {
  /// Interfaces for virtual machines beside these NICs, by the marks of both.
  package static func leftovers(beside nics: [Leftovers.Interface]) -> [Leftovers.Belonging] {
    Set(nics.map(\.namespace)).sorted { ($0 ?? "") < ($1 ?? "") }.flatMap { namespace in
      let names = Set(nics.filter { $0.namespace == namespace }.map(\.name))
      return ((try? Links.list(in: namespace)) ?? []).compactMap { link -> Leftovers.Belonging? in
        guard let alias = link.alias, alias.hasPrefix(mark) else { return nil }
        let nic = String(alias.dropFirst(mark.count))
        guard names.contains(nic) else { return nil }
        let guest = GuestLink(
          how: link.isTAP ? .forward : .macvtap, interface: nic, namespace: namespace, tap: link.name)
        return Leftovers.Belonging(.interface(Leftovers.Interface(name: link.name, namespace: namespace))) {
          guest.takeAway()
        }
      }
    }
  }

  /// Returns why it stays.
  private func takeAway() -> String? {
    guard how != .forward || !isHeld else {
      return "\(interfaceWords(tap, namespace)) is held by a virtual machine of somebody else's: it was left alone"
    }
    remove()
    return nil
  }

  /// A QEMU that has just ended may be a moment in letting go.
  private var isHeld: Bool {
    for _ in 0..<100 {
      do throws(PortsFault) {
        _ = try TAP.open(tap, in: namespace)
        return false
      } catch {
        guard error.errno == EBUSY else { return false }
      }
      usleep(10_000)
    }
    return true
  }
}
