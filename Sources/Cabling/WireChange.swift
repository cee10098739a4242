package import Net
package import Rack

/// What makes one image of the wire another: the steps of a change, each with what is so afterwards.
///
/// Some are taken before the change is committed, since they can fail, and can be taken back: NICs that
/// are made, MTUs, names, numbers of domains. The others follow the commit, cannot fail, and are one transaction of the forwarding
/// plane: domains, ports, then impairments and carriers. What is no longer used goes at the end.
package struct WireChange: Hashable, Sendable {
  /// Servers whose NICs are to be made, with the MTU, names and carrier of the image.
  package var made: [ServerID: ServerImage] = [:]
  package var removed: Set<ServerID> = []
  /// Servers whose NICs go, and are made anew elsewhere; with the whole image.
  package var moved: [ServerID: ServerImage] = [:]
  package var mtus: [ServerID: Int] = [:]
  package var names: [ServerID: NICNames] = [:]
  /// The NICs whose cable is plugged; the other is not.
  package var carriers: [ServerID: Set<PortName>] = [:]
  package var links: [ServerID: ServerImage.Links] = [:]
  /// Servers that have their NICs, and ports that are others; with the whole image.
  package var rewired: [ServerID: ServerImage] = [:]
  /// Domains that begin; no port is in them yet.
  package var opened: [NetworkID: VLANID] = [:]
  /// Domains that end; no port is in them any more.
  package var closed: Set<NetworkID> = []
  package var aging: Int?
  package var lacpFast: Bool?

  package init() {}

  /// What makes `before` `after`.
  package init(from before: WireImage, to after: WireImage) {
    for (id, new) in after.servers {
      guard let old = before.servers[id] else {
        made[id] = new
        continue
      }
      if new.place != old.place {
        moved[id] = new
        continue
      }
      if new.mtu != old.mtu { mtus[id] = new.mtu }
      if new.names != old.names { names[id] = new.names }
      if new.carriers != old.carriers { carriers[id] = new.carriers }
      if new.links != old.links { links[id] = new.links }
      if new.ports != old.ports { rewired[id] = new }
    }
    for id in before.servers.keys where after.servers[id] == nil { removed.insert(id) }
    for (id, vid) in after.networks where before.networks[id] != vid { opened[id] = vid }
    for id in before.networks.keys where after.networks[id] == nil { closed.insert(id) }
    if after.aging != before.aging { aging = after.aging }
    if after.lacpFast != before.lacpFast { lacpFast = after.lacpFast }
  }

  package var isEmpty: Bool { self == WireChange() }
}

extension WireImage {
  /// Takes the steps of `change`.
  package mutating func apply(_ change: WireChange) {
    for id in change.removed { servers[id] = nil }
    for (id, image) in change.made { servers[id] = image }
    for (id, image) in change.moved { servers[id] = image }
    for (id, mtu) in change.mtus { servers[id]?.mtu = mtu }
    for (id, names) in change.names { servers[id]?.names = names }
    for (id, carriers) in change.carriers { servers[id]?.carriers = carriers }
    for (id, links) in change.links { servers[id]?.links = links }
    for (id, image) in change.rewired { servers[id]?.ports = image.ports }
    for id in change.closed { networks[id] = nil }
    for (id, vid) in change.opened { networks[id] = vid }
    if let aging = change.aging { self.aging = aging }
    if let lacpFast = change.lacpFast { self.lacpFast = lacpFast }
  }
}
