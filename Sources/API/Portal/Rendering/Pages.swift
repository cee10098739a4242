// A long table of the portal, a page of it at a time: a project can have tens of thousands of networks, and a browser
// does as little with a page of them as we do.

/// Which rows of a table are shown.
struct Pages {
  /// Rows of a page.
  static let size = 100

  let number: Int
  let last: Int
  private let count: Int

  /// `page` of the query counts from 1; one that there is not is the nearest that there is.
  init(_ count: Int, _ visit: Visit) throws(APIError) {
    self.count = count
    last = max(1, (count + Self.size - 1) / Self.size)
    number = min(max(1, try visit.arguments.integer("page") ?? 1), last)
  }

  var range: Range<Int> { min((number - 1) * Self.size, count)..<min(number * Self.size, count) }

  func slice<Element>(of all: [Element]) -> [Element] { Array(all[range]) }

  /// For `pages.mustache`, which shows nothing for one page.
  func fields(_ path: String) -> Fields {
    var fields: Fields = [
      "hasPages": last > 1, "from": range.lowerBound + 1, "to": range.upperBound, "count": count,
    ]
    func link(_ page: Int) -> String { "\(path)?page=\(page)" }
    if number > 1 { (fields["first"], fields["previous"]) = (link(1), link(number - 1)) }
    if number < last { (fields["next"], fields["last"]) = (link(number + 1), link(last)) }
    return fields
  }
}
