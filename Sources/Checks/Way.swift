import FoundationEssentials
import Guest

/// How packets to an address leave a namespace, as its kernel says it.
public enum Way: Hashable, Sendable {
  /// They do not; why.
  case nowhere(String)
  /// By an interface, and what is below it: a VLAN's, and the members of a bond.
  case by(String, interfaces: Set<String>)

  /// - Parameters:
  ///   - route: what `ip -j route get ADDRESS` prints, or what it complains.
  ///   - links: what `ip -j -d address show` prints.
  init(route: String, links: String) {
    guard let device = (try? JSONDecoder().decode([Route].self, from: Data(route.utf8)))?.first?.dev else {
      let line = route.split(whereSeparator: \.isNewline).first.map(String.init) ?? "no route"
      let words = line.split(separator: ": ").last.map(String.init) ?? line
      self = .nowhere(words.prefix(1).lowercased() + words.dropFirst().prefix(100))
      return
    }
    let network = try? SeenNetwork(addresses: links, routes: [])
    self = .by(device, interfaces: Self.interfaces(below: device, network?.links ?? []))
  }

  private struct Route: Decodable { let dev: String? }

  static func interfaces(below device: String, _ links: [SeenNetwork.Link]) -> Set<String> {
    var (found, next): (Set<String>, [String]) = ([], [device])
    while let name = next.popLast() {
      guard found.insert(name).inserted else { continue }
      next += links.filter { $0.master == name }.map(\.name)
      if let parent = links.first(where: { $0.name == name })?.parent { next.append(parent) }
    }
    return found
  }
}
