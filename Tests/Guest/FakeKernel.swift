import Guest

/// A namespace that understands the lines of `ip -batch` that Toprack gives, and refuses what Linux would.
struct FakeKernel {
  var seen = SeenNetwork()
  var abilities = KernelAbilities()

  struct Refused: Error, CustomStringConvertible {
    let description: String
    init(_ line: String, _ why: String) { description = "\(line): \(why)" }
  }

  /// `names`: plain interfaces, down.
  init(nics names: [String]) {
    var lo = SeenNetwork.Link(name: "lo")
    lo.addresses = [SeenNetwork.Address(text: "127.0.0.1/8")]
    seen.links = [lo]
    for name in names {
      var link = SeenNetwork.Link(name: name)
      link.kind = "tun"
      seen.links.append(link)
    }
  }

  subscript(name: String) -> SeenNetwork.Link? {
    get { seen.links.first { $0.name == name } }
    set {
      guard let index = seen.links.firstIndex(where: { $0.name == name }) else {
        if let newValue { seen.links.append(newValue) }
        return
      }
      if let newValue { seen.links[index] = newValue } else { seen.links.remove(at: index) }
    }
  }

  mutating func run(_ line: String) throws {
    var words = line.split(separator: " ").map(String.init)
    /// Takes `name VALUE` out of the words.
    func take(_ name: String) -> String? {
      guard let index = words.firstIndex(of: name), index + 1 < words.count else { return nil }
      let value = words[index + 1]
      words.removeSubrange(index...index + 1)
      return value
    }
    let (object, verb) = (words[0], words[1])
    words.removeFirst(2)
    switch (object, verb) {
    case ("link", "add"):
      let (parent, name) = (take("link"), take("name")!)
      guard self[name] == nil else { throw Refused(line, "File exists") }
      var link = SeenNetwork.Link(name: name)
      link.mtu = take("mtu").flatMap { Int($0) } ?? 1500
      link.kind = take("type")
      switch link.kind {
      case "bond":
        guard abilities.bonding else { throw Refused(line, "Error: Unknown device type.") }
        link.bondMode = take("mode")
      case "vlan":
        guard abilities.vlans else { throw Refused(line, "Error: Unknown device type.") }
        guard let parent, self[parent] != nil else { throw Refused(line, "Cannot find device") }
        (link.parent, link.vlan) = (parent, take("id").flatMap { Int($0) })
      default: throw Refused(line, "no such kind")
      }
      self[name] = link
    case ("link", "delete"):
      let name = take("dev")!
      guard self[name] != nil else { throw Refused(line, "Cannot find device") }
      for link in seen.links where link.parent == name || link.name == name { forget(link.name) }
      for link in seen.links where link.master == name {
        (self[link.name]!.master, self[link.name]!.isUp) = (nil, false)
      }
    case ("link", "set"):
      let name = take("dev")!
      guard var link = self[name] else { throw Refused(line, "Cannot find device") }
      if let mark = line.split(separator: "\"").dropFirst().first, words.first == "alias" { link.alias = String(mark) }
      if let mtu = take("mtu") { link.mtu = Int(mtu)! }
      if words == ["up"] { link.isUp = true }
      if words == ["down"] { link.isUp = false }
      if words == ["nomaster"] { (link.master, link.isUp) = (nil, false) }
      if let master = take("master") {
        guard !link.isUp else { throw Refused(line, "Device can not be enslaved while up") }
        guard self[master]?.kind == "bond" else { throw Refused(line, "no bond") }
        (link.master, link.isUp) = (master, true)
      }
      self[name] = link
      if !link.isUp { seen.routes.removeAll { $0.device == name } }
    case ("address", "add"):
      let (name, text) = (take("dev")!, words[0])
      guard var link = self[name] else { throw Refused(line, "Cannot find device") }
      guard !link.addresses.contains(where: { $0.text == text }) else { throw Refused(line, "File exists") }
      link.addresses.append(SeenNetwork.Address(text: text, metric: take("metric").flatMap { Int($0) }))
      self[name] = link
    case ("address", "del"):
      let (name, text) = (take("dev")!, words[0])
      guard let index = self[name]?.addresses.firstIndex(where: { $0.text == text }) else {
        throw Refused(line, "Cannot assign requested address")
      }
      self[name]!.addresses.remove(at: index)
    case ("route", "add"), ("route", "del"):
      var route = SeenNetwork.Route(destination: words[0])
      (route.gateway, route.device, route.protocol) = (take("via"), take("dev"), take("proto"))
      route.metric = take("metric").flatMap { Int($0) } ?? 0
      let isThere = seen.routes.contains {
        $0.destination == route.destination && $0.metric == route.metric && $0.isAlike(route)
      }
      if verb == "add" {
        guard !isThere else { throw Refused(line, "File exists") }
        guard self[route.device!]?.isUp == true else { throw Refused(line, "Device for nexthop is not up") }
        seen.routes.append(route)
      } else {
        guard seen.routes.contains(route) else { throw Refused(line, "No such process") }
        seen.routes.removeAll { $0 == route }
      }
    default: throw Refused(line, "not understood")
    }
  }

  private mutating func forget(_ name: String) {
    self[name] = nil
    seen.routes.removeAll { $0.device == name }
  }
}

extension SeenNetwork.Route {
  init(destination: String) {
    self.init(destination: destination, gateway: nil, device: nil, protocol: nil)
  }

  /// Of one family.
  fileprivate func isAlike(_ other: SeenNetwork.Route) -> Bool {
    (gateway?.contains(":") ?? false) == (other.gateway?.contains(":") ?? false)
  }
}
