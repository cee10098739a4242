// Whether servers can be had. Machines are simulated, so every place has room for every plan until the rack is full.

import Rack

struct CapacityRoutes {
  /// The two ways to say where.
  private enum Place: String {
    case facility, metro

    var codes: [String] {
      switch self {
      case .facility: Catalogue.facilities.map(\.code)
      case .metro: Catalogue.metros.map(\.code)
      }
    }

    func has(_ plan: Plan, _ code: String) -> Bool {
      Catalogue.facilities.contains { (self == .facility ? $0.code : $0.metro) == code && $0.has(plan) }
    }

    /// The code for a code or a UUID.
    func code(_ name: String) -> String? {
      switch self {
      case .facility: Catalogue.facility(name)?.code
      case .metro: Catalogue.metro(name)?.code
      }
    }
  }

  func register(on routes: inout Routes) {
    routes.get("/capacity") { call in await levels(.facility, call) }
    routes.get("/capacity/metros") { call in await levels(.metro, call) }
    routes.post("/capacity") { call in try await check(.facility, call) }
    routes.post("/capacity/metros") { call in try await check(.metro, call) }
  }

  /// A word for each place and plan.
  private func levels(_ place: Place, _ call: Call) async -> Reply {
    let capacity = await call.view().serverCapacity
    let level: JSON = ["level": capacity >= 10 ? "normal" : capacity > 0 ? "limited" : "unavailable"]
    func plans(in code: String) -> JSON {
      .object(
        Catalogue.plans.map {
          JSON.Member(name: $0.slug, value: place.has($0, code) ? level : ["level": "unavailable"])
        })
    }
    return .ok(["capacity": .object(place.codes.map { JSON.Member(name: $0, value: plans(in: $0)) })])
  }

  /// Whether each of the entries could be had after those before it.
  private func check(_ place: Place, _ call: Call) async throws -> Reply {
    let rule =
      #"give a list of objects such as {"\#(place.rawValue)": "\#(place.codes[0])", "plan": "c3.small.x86", "quantity": 1}"#
    guard let entries = try call.arguments.objects("servers", rule) else {
      throw APIError.invalid("servers is missing; \(rule)")
    }
    var left = await call.view().serverCapacity
    let servers = try entries.map { entry in
      guard let code = Self.text(entry[place.rawValue]).flatMap(place.code),
        let plan = Self.text(entry["plan"]).flatMap({ Catalogue.plan($0) }),
        let quantity = Self.number(entry["quantity"]?.given ?? 1), quantity > 0
      else { throw APIError.invalid("servers has the entry \(Arguments.shown(entry)); \(rule)") }
      let isAvailable = quantity <= left && place.has(plan, code)
      if isAvailable { left -= quantity }
      return [
        place.rawValue: .string(code), "plan": .string(plan.slug),
        // In the type it came in: strict clients read what they sent.
        "quantity": entry["quantity"]?.given ?? .string(String(quantity)),
        "available": .boolean(isAvailable),
      ] as JSON
    }
    return .ok(["servers": .array(servers)])
  }

  private static func text(_ value: JSON?) -> String? { if case .string(let text) = value { text } else { nil } }

  /// A whole number, which one client sends as a text.
  private static func number(_ value: JSON) -> Int? {
    switch value {
    case .integer(let number): number
    case .string(let text): Arguments.digits(text)
    default: nil
    }
  }
}
