// Things of the rack as fields of templates; what several pages show alike.

import Control
import Rack

/// A network on a port, and how its frames look there.
struct Attached: Sendable {
  let network: VirtualNetwork
  let form: Port.Form
}

extension View {
  /// By number. bond0 of a broken bond remembers networks that nobody carries.
  func attached(to port: Port, of server: Server) -> [Attached] {
    port.networks.compactMap { self[$0] }.sorted { $0.vxlan < $1.vxlan }
      .map { Attached(network: $0, form: server.form(of: $0.id, on: port.name)) }
  }

  /// The networks of a project, by place and number.
  func networks(of project: Project) -> [VirtualNetwork] {
    networks.filter { $0.project == project.id }
      .sorted { ($0.place.code, $0.vxlan) < ($1.place.code, $1.vxlan) }
  }

  func servers(of project: Project) -> [Server] {
    servers.filter { $0.project == project.id }.sorted { $0.hostname < $1.hostname }
  }

  func project(of server: Server) throws(APIError) -> Project { try known(project: server.project) }
}

/// The colour of a network's lane: the same on every page, different for neighbours in number.
enum Lane {
  static let colors = 12
  static func name(_ network: VirtualNetwork) -> String { "lane-\(network.vxlan % colors)" }
}

extension Visit {
  func fields(of network: VirtualNetwork) -> Fields {
    var fields: Fields = [
      "id": network.id.description, "number": network.vxlan, "lane": Lane.name(network), "place": network.place.words,
    ]
    fields["description"] = network.description
    return fields
  }

  func fields(of attached: Attached) -> Fields {
    fields(of: attached.network)
      .merging(["form": attached.form.rawValue, "isNative": attached.form == .native]) { $1 }
  }

  func fields(of server: Server) -> Fields {
    var fields: Fields = [
      "name": server.hostname, "path": Portal.path(of: server), "plan": server.plan, "facility": server.facility,
      "mode": server.mode.title, "modeWord": server.mode.rawValue, "isOff": !server.isPoweredOn,
      "isLocked": server.isLocked, "isFrozen": server.isNetworkFrozen,
    ]
    fields["description"] = server.details.description
    fields["namespace"] = server.place.namespace
    return fields
  }

  /// An entry of a list to choose from.
  func option(_ value: String, _ text: String, isChosen: Bool) -> Fields {
    ["value": value, "text": text, "isChosen": isChosen]
  }

  /// What the form that was refused had in a field.
  func given(_ name: String) -> String? { (try? arguments.string(name)) ?? nil }
}
