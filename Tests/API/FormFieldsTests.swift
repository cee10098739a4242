import HTTPTypes
import Testing

@testable import API

@Suite("Fields of forms and queries") struct FormFieldsTests {
  private func fields(_ text: String) throws -> [String] {
    try FormFields(text.utf8, of: "the form").pairs.map { "\($0.name)|\($0.value ?? "-")" }
  }

  @Test("are decoded, in their order")
  func decoded() throws {
    #expect(try fields("") == [])
    #expect(try fields("a=1&b=&c&&=x") == ["a|1", "b|", "c|-", "|x"])
    #expect(try fields("a+b=%41%2B+%c3%a4&x=%zz%4") == ["a b|A+ ä", "x|%zz%4"])
    #expect(try fields("a=%ff") == ["a|%ff"], "what is no UTF-8 stays as it is")
    #expect(try fields("a=b=c") == ["a|b=c"])
  }

  @Test("are 64 at most, empty ones not counted")
  func limit() throws {
    let most = (0..<64).map { "f\($0)=x" }.joined(separator: "&&")
    #expect(try fields(most + "&").count == 64)
    let error = #expect(throws: APIError.self) { try fields(most + "&f64") }
    #expect(error?.status == .badRequest)
    #expect(error?.messages == ["the form has more than 64 fields; valid are up to 64"])
  }

  @Test("of one name are a list, and fields that were left empty are not given")
  func lists() throws {
    let arguments = try Arguments(form: Array("a=1&b=2&a=3&c=".utf8), query: [:])
    #expect(arguments.value("a") == .array(["1", "3"]) && arguments.value("b") == "2" && arguments.value("c") == nil)
  }

  @Test("of a query are 64 at most, too, and names to include")
  func query() async throws {
    try await WholeAPI.test { api in
      let fields = (0..<64).map { "f\($0)=x" }.joined(separator: "&")
      try await api.call(.get, "/projects?\(fields)")
      try await api.refuse(.get, "/projects?\(fields)&page=1", nil, 400, "the query has more than 64 fields")
      let names = (0..<64).map { "n\($0)" }.joined(separator: ",")
      try await api.call(.get, "/projects?include=\(names)")
      try await api.refuse(.get, "/projects?exclude=\(names),x", nil, 400, "exclude has more than 64 names")
    }
  }
}

@Suite("The size of JSON") struct JSONSizeTests {
  @Test("values are so many at most, however they are nested")
  func values() throws {
    let count = JSON.valueLimit
    _ = try JSON(reading: Array("[\((1..<count).map { _ in "0" }.joined(separator: ","))]".utf8))
    let many = "[\((0..<count).map { _ in "0" }.joined(separator: ","))]"
    let fault = #expect(throws: JSONFault.self) { try JSON(reading: Array(many.utf8)) }
    #expect(fault?.reason == "more than \(count) values")
    let nested = "[\((0..<count / 2).map { _ in "[0]" }.joined(separator: ","))]"
    #expect(throws: JSONFault.self) { try JSON(reading: Array(nested.utf8)) }
  }

  @Test("a name that is long stands in no error whole")
  func longName() throws {
    let fault = #expect(throws: JSONFault.self) {
      try JSON(reading: Array("{\"\(String(repeating: "x", count: 100_000))\"}".utf8))
    }
    #expect((fault?.reason.utf8.count ?? 0) < 150)
  }
}
