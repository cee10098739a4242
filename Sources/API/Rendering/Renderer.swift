// The domain as JSON, in the forms that clients of the Metal API read. One file per kind of thing; this one has what
// they share.
//
// Nested objects carry `href`, `id` and the few members that some client reads, so that no client needs `include`; with
// it they are whole (`Expansion`).

import Control
import FoundationEssentials
import Host
import Rack

/// Renders things of one rack for one request. Everything of a rack that is looked up is found by an index, so that a
/// thing costs the same however large the rack is.
struct Renderer {
  /// The rack as it was when the answer was begun.
  let rack: Rack
  /// What links begin with.
  let prefix: String
  /// Whom the answer is for.
  let access: Access
  /// What is wanted whole, as seen from the thing that is being rendered.
  let expansion: Expansion
  let interfaces: [ServerID: [PortName: NICLocation]]
  let problems: [ServerID: [Problem]]
  /// What is set up in the namespaces of servers.
  let configurations: [ServerID: String]
  /// Whether somebody still waits for the answer.
  let isWanted: @Sendable () -> Bool
  /// When the answer was begun: some things are told for a time.
  let now: Date
  let sosHost: SOSHost
  private let ledger: Ledger
  /// In how many other things the one that is being rendered lies.
  private let depth: Int

  init(
    rack: Rack, prefix: String, access: Access = Access(scope: .none, isReadOnly: true, by: "nobody"),
    expansion: Expansion = .none, interfaces: [ServerID: [PortName: NICLocation]] = [:],
    problems: [ServerID: [Problem]] = [:], configurations: [ServerID: String] = [:], now: Date = .distantFuture,
    sosHost: SOSHost = SOSHost(),
    isWanted: @escaping @Sendable () -> Bool = { true }
  ) {
    (self.rack, self.prefix, self.access) = (rack, prefix, access)
    (self.expansion, self.interfaces, self.problems) = (expansion, interfaces, problems)
    self.configurations = configurations
    (self.now, self.sosHost, self.isWanted) = (now, sosHost, isWanted)
    (ledger, depth) = (Ledger(rack: rack), 0)
  }

  private init(inside name: String, of outer: Renderer) {
    (rack, prefix, access, interfaces) = (outer.rack, outer.prefix, outer.access, outer.interfaces)
    configurations = outer.configurations
    (problems, now, sosHost, isWanted) = (outer.problems, outer.now, outer.sosHost, outer.isWanted)
    (expansion, ledger, depth) = (outer.expansion.inside(name), outer.ledger, outer.depth + 1)
  }

  /// What one answer has found out and spent so far; shared by the renderers of all its levels.
  private final class Ledger {
    private let rack: Rack
    var expansions = 0
    var bytes = 0
    /// By hostname.
    lazy var servers = Dictionary(grouping: rack.servers.values.sorted { $0.hostname < $1.hostname }, by: \.project)

    init(rack: Rack) { self.rack = rack }
  }

  var catalogue: CatalogueRenderer { CatalogueRenderer(prefix: prefix, expansion: expansion) }
  /// What is rendered is the subject of the answer or an element of its list.
  var isOutermost: Bool { depth == 0 }

  /// The servers of a project, by hostname.
  func servers(of project: ProjectID) -> [Server] { ledger.servers[project] ?? [] }

  /// Something nested that is a link, with some members, unless it is included.
  func reference(_ name: String, _ brief: JSON, whole: (Renderer) -> JSON) -> JSON {
    guard expansion[name] == .include, ledger.expansions < Expansion.limit, ledger.bytes < Expansion.byteLimit,
      isWanted()
    else { return brief }
    ledger.expansions += 1
    let before = ledger.bytes
    let thing = whole(Renderer(inside: name, of: self))
    // What lies in it is in its weight.
    ledger.bytes = before + thing.weight
    return thing
  }

  /// Something nested that is whole unless it is excluded; then it is the link.
  func part(_ name: String, _ path: String, whole: (Renderer) -> JSON) -> JSON {
    expansion[name] == .exclude ? reference(path) : whole(Renderer(inside: name, of: self))
  }

  /// A link is a path, with the prefix of the request.
  func link(_ path: String) -> JSON { .string(prefix + path) }

  /// `{"href": …}`
  func reference(_ path: String) -> JSON { ["href": link(path)] }

  /// RFC 3339, UTC, whole seconds: `2019-07-18T08:46:38Z`.
  func time(_ date: Date) -> JSON { .string(date.formatted(.iso8601)) }
}

/// Entries of the catalogue in other things, under the name of the member.
extension Renderer {
  func facility(_ code: String?) -> JSON {
    guard let facility = code.flatMap({ Catalogue.facility($0) }) else { return nil }
    return part("facility", "/facilities/\(facility.id.text)") { $0.catalogue.facility(facility) }
  }

  func metro(_ code: String?) -> JSON {
    guard let metro = code.flatMap({ Catalogue.metro($0) }) else { return nil }
    return part("metro", "/locations/metros/\(metro.id.text)") { $0.catalogue.metro(metro) }
  }

  /// The metro that a facility lies in.
  func metro(facility code: String) -> JSON { metro(Catalogue.facility(code)?.metro) }

  func plan(_ slug: String) -> JSON {
    guard let plan = Catalogue.plan(slug) else { return nil }
    return part("plan", "/plans/\(plan.id.text)") { $0.catalogue.plan(plan) }
  }

  func operatingSystem(_ slug: String) -> JSON {
    guard let system = Catalogue.operatingSystem(slug) else { return nil }
    return part("operating_system", "/operating-systems/\(system.id.text)") { $0.catalogue.operatingSystem(system) }
  }
}

extension UUID {
  /// Lower-case 8-4-4-4-12.
  var text: String { uuidString.lowercased() }
}

extension Identifier {
  /// As a JSON string.
  var json: JSON { .string(description) }
}

extension JSON {
  /// The object with `members` added at its end.
  func adding(_ members: (String, JSON)...) -> JSON {
    guard case .object(let own) = plain else { return self }
    return .object(own + members.map { Member(name: $0.0, value: $0.1) })
  }

  static func list(_ texts: some Sequence<String>) -> JSON { .array(texts.map(JSON.string)) }

  /// An object that the rack keeps as text; it is not read.
  init(kept text: String) { self = text == "{}" ? [:] : .prepared(PreparedJSON(kept: text)) }

  /// About how many bytes the text is long.
  var weight: Int {
    switch self {
    case .null, .boolean, .integer, .number: 8
    case .string(let text): text.utf8.count + 2
    case .array(let elements): elements.reduce(2) { $0 + $1.weight + 1 }
    case .object(let members): members.reduce(2) { $0 + $1.name.utf8.count + 4 + $1.value.weight }
    case .prepared(let prepared): prepared.text.count
    }
  }
}
