// Pagination: `page` and `per_page` in, one slice and its `meta` out.

/// One page of a longer list.
struct Page {
  static let defaultSize = 10
  static let sizeLimit = 1000

  let number: Int
  let size: Int

  /// Reads `page` (from 1) and `per_page` (1 to 1000). `size`: what `per_page` is when it is not given.
  init(_ arguments: Arguments, size standard: Int = defaultSize) throws(APIError) {
    number = try arguments.integer("page") ?? 1
    size = try arguments.integer("per_page") ?? standard
    guard (1...1_000_000_000).contains(number) else {
      throw .invalid("page \(number) is not valid; valid are 1 and more")
    }
    guard (1...Self.sizeLimit).contains(size) else {
      throw .invalid("per_page \(size) is not valid; valid are 1 to \(Self.sizeLimit)")
    }
  }

  /// The first `size`.
  init(first size: Int) { (number, self.size) = (1, size) }

  /// Whether a page is asked for, of a list that is whole when none is.
  static func isWanted(_ arguments: Arguments) -> Bool {
    arguments.value("page") != nil || arguments.value("per_page") != nil
  }

  func slice<Element>(of all: [Element]) -> ArraySlice<Element> {
    all.dropFirst((number - 1) * size).prefix(size)
  }

  /// One page of `all`, as the member `name` of an object with `meta`.
  func reply<Element: Sendable>(
    _ name: String, of all: [Element], call: Call, _ view: View,
    _ render: @escaping @Sendable (Renderer, Element) -> JSON
  ) -> Reply {
    reply(name, page: Array(slice(of: all)), total: all.count, call: call, view, render)
  }

  /// The same of a page that has been looked up.
  func reply<Element: Sendable>(
    _ name: String, page: [Element], total: Int, call: Call, _ view: View,
    _ render: @escaping @Sendable (Renderer, Element) -> JSON
  ) -> Reply {
    .list([name: .elements(call.elements(page, view, render)), "meta": .json(meta(total: total, call: call))])
  }

  /// The `meta` object. A link to another page begins its query with `page`, because clients glue more to its end.
  func meta(total: Int, call: Call) -> JSON {
    let last = max(1, (total + size - 1) / size)
    func link(_ page: Int) -> JSON {
      guard (1...last).contains(page) else { return nil }
      var query = "?page=\(page)"
      for (name, value) in call.arguments.query.sorted(by: { $0.key < $1.key }) where name != "page" {
        query += "&\(PercentEncoding.encode(name))=\(PercentEncoding.encode(value))"
      }
      return ["href": .string(call.prefix + call.path + query)]
    }
    return [
      "self": ["href": .string(call.prefix + call.path + "?page=\(number)")],
      "first": link(1), "previous": link(number - 1), "next": link(number + 1), "last": link(last),
      "total": .integer(total), "current_page": .integer(number), "last_page": .integer(last),
    ]
  }
}
