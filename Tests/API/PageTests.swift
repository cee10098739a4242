import Testing

@testable import API

@Suite("Pagination") struct PageTests {
  private func call(_ query: [String: String]) throws -> Call {
    Call(
      prefix: "/metal/v1", path: "/projects/1/devices", parameters: [:],
      arguments: try Arguments(body: [], query: query), access: Access(scope: .all, by: "test"), keeper: RackAlone())
  }

  @Test("ten things a page unless asked otherwise")
  func slices() throws {
    let all = Array(1...25)
    #expect(Array(try Page(call([:]).arguments).slice(of: all)) == Array(1...10))
    #expect(Array(try Page(call(["page": "3"]).arguments).slice(of: all)) == Array(21...25))
    #expect(Array(try Page(call(["page": "2", "per_page": "24"]).arguments).slice(of: all)) == [25])
    #expect(Array(try Page(call(["page": "4"]).arguments).slice(of: all)) == [])
  }

  @Test("the link to the next page begins its query with the page, and keeps the filters")
  func next() throws {
    let call = try call(["page": "2", "per_page": "5", "search": "a b&c"])
    let meta = try Page(call.arguments).meta(total: 12, call: call)
    #expect(meta["next"]?["href"] == "/metal/v1/projects/1/devices?page=3&per_page=5&search=a%20b%26c")
    #expect(meta["previous"]?["href"] == "/metal/v1/projects/1/devices?page=1&per_page=5&search=a%20b%26c")
    #expect(meta["current_page"] == 2)
    #expect(meta["last_page"] == 3)
    #expect(meta["total"] == 12)
  }

  @Test("next is there and null on the last page, also of an empty list")
  func last() throws {
    let call = try call([:])
    #expect(try Page(call.arguments).meta(total: 0, call: call)["next"] == .null)
    #expect(try Page(call.arguments).meta(total: 10, call: call)["next"] == .null)
    #expect(try Page(call.arguments).meta(total: 11, call: call)["next"] != .null)
  }

  @Test("pages and sizes out of range are refused", arguments: ["0", "-1", "x", "1000000001"])
  func outOfRange(_ text: String) throws {
    #expect(throws: APIError.self) { try Page(call(["page": text]).arguments) }
    #expect(throws: APIError.self) { try Page(call(["per_page": text]).arguments) }
    #expect(throws: APIError.self) { try Page(call(["per_page": "1001"]).arguments) }
  }
}
