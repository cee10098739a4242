import Ports
package import Rack

/// What is not as it was made with a NIC that is there: a pure comparison of where it is with where it belongs.
package enum NICCondition {
  /// Kinds of problems that are about one NIC.
  package static let kinds = ["nic-lost", "nic-moved", "nic-renamed", "nic-alias", "nic-claimed"]

  /// What has happened between two looks, as type and sentence of an event.
  package struct Incident: Hashable {
    package var type: String
    package var body: String
  }

  /// - Parameters:
  ///   - home: the namespace where it belongs; `nil`: it is gone itself.
  ///   - mark: the alias that it should have.
  package static func problems(
    of nic: PortName, _ server: Server, at location: NICLocation, home: NamespaceIdentity?, mark: String
  ) -> [Problem] {
    let name = "\(nic.rawValue) of \(server.hostname)"
    let device = location.device.asInterfaceName
    let repair = "'toprack server repair \(server.hostname)' puts it back"
    var found: [Problem] = []
    func add(_ kind: String, _ text: String) {
      found.append(Problem(kind: kind, server: server.id, port: nic, text: "\(name) \(text)"))
    }
    if !isHome(location, home) {
      add(
        "nic-moved",
        "is not \(words(server.place.namespace)) but \(words(location.namespace)), as \(device); it is used there; "
          + repair)
    } else if location.device != location.madeName {
      add("nic-renamed", "is called \(device) and not \(location.madeName) now; it is used so; \(repair)")
    }
    if location.alias != mark {
      let what = location.alias == nil ? "has no alias" : "has an alias that somebody else set"
      add(
        "nic-alias",
        "\(what): it works, but 'toprack cleanup' would not find it; 'toprack server repair \(server.hostname)' "
          + "sets its mark again")
    }
    return found
  }

  package static func incidents(
    of nic: PortName, _ server: Server, from old: NICLocation, to new: NICLocation, home: NamespaceIdentity?,
    mark: String
  ) -> [Incident] {
    let name = "\(nic.rawValue) of \(server.hostname)"
    var found: [Incident] = []
    let hasMoved = old.space.map { before in new.space.map { !$0.isSame(as: before) } ?? false } ?? false
    let isBack = isHome(new, home) && new.device == new.madeName
    if hasMoved || new.device != old.device {
      let what =
        hasMoved
        ? "\(name) was moved from \(words(old.namespace)) to \(words(new.namespace))"
          + (new.device == old.device ? "" : " and renamed to \(new.device.asInterfaceName)")
        : "\(name) was renamed from \(old.device.asInterfaceName) to \(new.device.asInterfaceName)"
      found.append(
        isBack
          ? Incident(type: "port.restored", body: "\(what): it is where it belongs again")
          : Incident(type: hasMoved ? "port.moved" : "port.renamed", body: what))
    }
    if old.alias == mark, new.alias != mark {
      found.append(
        Incident(type: "port.alias", body: "the alias of \(name) was \(new.alias == nil ? "taken away" : "changed")"))
    }
    return found
  }

  package static func isHome(_ location: NICLocation, _ home: NamespaceIdentity?) -> Bool {
    guard let space = location.space, let home else { return false }
    return space.isSame(as: home)
  }

  /// `on the host`, `in network namespace web1`.
  package static func words(_ namespace: String?) -> String {
    namespace.map { "in network namespace \($0)" } ?? "on the host"
  }
}
