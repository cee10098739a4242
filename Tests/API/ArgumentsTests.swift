import FoundationEssentials
import HTTPTypes
import Rack
import Testing

@testable import API

func arguments(_ body: String = "", query: [String: String] = [:]) throws -> Arguments {
  try Arguments(body: Array(body.utf8), query: query)
}

@Suite("Arguments") struct ArgumentsTests {
  @Test("an absent, blank, empty or null body is the same", arguments: ["", " \r\n", "{}", "null"])
  func empty(_ body: String) throws {
    #expect(try arguments(body).string("hostname") == nil)
  }

  @Test("a body that is no object is refused with 400", arguments: ["[]", "1", "\"a\"", "true"])
  func noObject(_ body: String) throws {
    let error = try #require(throws: APIError.self) { try arguments(body) }
    #expect(error.status == .badRequest)
    #expect(error.messages[0].contains("must be a JSON object"))
  }

  @Test("null means not given")
  func null() throws {
    let given = try arguments(#"{"vxlan": null, "description": null, "bulk_enable": null}"#)
    #expect(try given.integer("vxlan") == nil)
    #expect(try given.string("description") == nil)
    #expect(try given.boolean("bulk_enable") == nil)
  }

  @Test("the body wins over the query, and null in the body does not")
  func precedence() throws {
    #expect(try arguments(#"{"bulk_enable": false}"#, query: ["bulk_enable": "true"]).boolean("bulk_enable") == false)
    #expect(try arguments(#"{"bulk_enable": null}"#, query: ["bulk_enable": "true"]).boolean("bulk_enable") == true)
    #expect(try arguments(query: ["vnid": "1001"]).network("vnid") == .number(1001))
  }

  @Test(
    "a whole number comes as a number or as digits", arguments: ["1001", "1001.0", "1.001e3", #""1001""#, #""01001""#])
  func integer(_ text: String) throws {
    #expect(try arguments(#"{"vxlan": \#(text)}"#).integer("vxlan") == 1001)
  }

  @Test(
    "what is no whole number is refused, and named",
    arguments: ["1.5", "true", #""1001a""#, #""""#, #""-1""#, #""+1""#, #""１""#, "[]", #""9999999999999999999""#])
  func noInteger(_ text: String) throws {
    let given = try arguments(#"{"vxlan": \#(text)}"#)
    let error = try #require(throws: APIError.self) { try given.integer("vxlan") }
    #expect(error.status == .unprocessableContent)
    #expect(error.messages[0].hasPrefix("vxlan must be a whole number, not "))
  }

  @Test("a network is a number, digits or a UUID in either case")
  func network() throws {
    let id = try #require(UUID(uuidString: "0F8FAD5B-D9CB-469F-A165-70867728950E"))
    #expect(try arguments(#"{"vnid": 1001}"#).network("vnid") == .number(1001))
    #expect(try arguments(#"{"vnid": "1001"}"#).network("vnid") == .number(1001))
    #expect(try arguments(#"{"vnid": "0f8fad5b-d9cb-469f-a165-70867728950e"}"#).network("vnid") == .id(NetworkID(id)))
    #expect(try arguments(#"{"vnid": "0F8FAD5B-D9CB-469F-A165-70867728950E"}"#).network("vnid") == .id(NetworkID(id)))
    #expect(throws: APIError.self) { try arguments(#"{"vnid": "vlan1001"}"#).network("vnid") }
    #expect(throws: APIError.self) { try arguments(#"{"vnid": [1001]}"#).network("vnid") }
  }

  @Test("a value in an error is cut by its length, also when it is one character of a megabyte")
  func oneCharacter() {
    let text = "e" + String(repeating: "\u{301}", count: 400_000)
    #expect(text.count == 1)
    #expect(Arguments.shown(.string(text)).utf8.count < 200)
    #expect(Arguments.cut(String(repeating: "ä", count: 80), to: 80).hasSuffix("ä"))
    #expect(Arguments.cut(String(repeating: "ä", count: 81), to: 80) == String(repeating: "ä", count: 77) + "…")
  }

  @Test("a value in an error text is cut to fit a line")
  func shown() throws {
    let error = try #require(throws: APIError.self) {
      try arguments(#"{"vnid": "\#(String(repeating: "x", count: 300))"}"#).network("vnid")
    }
    #expect(error.messages[0].count < 200)
    #expect(error.messages[0].hasSuffix("…"))
  }

  @Test("a missing member is named with what to give")
  func required() throws {
    let given = try arguments()
    let error = try #require(throws: APIError.self) {
      try given.required("vnid", "the number of a network") { try given.network($0) }
    }
    #expect(error.messages == ["vnid is missing: give the number of a network"])
  }

  @Test("requested addresses are a list of objects, or nothing")
  func addressRequests() throws {
    let three =
      #"{"request_ips": [{"address_family": 4, "public": true}, {"address_family": 4, "public": false}, "#
      + #"{"address_family": 6, "public": true}]}"#
    #expect(
      try arguments(three).addressRequests("request_ips")?.map(\.request) == [
        AddressRequest(family: 4, isPublic: true), AddressRequest(family: 4, isPublic: false),
        AddressRequest(family: 6, isPublic: true),
      ])
    #expect(try arguments().addressRequests("request_ips")?.map(\.request) == nil)
    #expect(try arguments(#"{"request_ips": []}"#).addressRequests("request_ips")?.map(\.request) == [])
  }

  @Test(
    "malformed requested addresses are refused",
    arguments: [
      #"["address_family", "public"]"#, #"[{"address_family": 5}]"#, #"[{"public": true}]"#, "4",
      #"[{"address_family": 4, "public": "yes"}]"#,
    ])
  func malformedAddressRequests(_ text: String) throws {
    let given = try arguments(#"{"request_ips": \#(text)}"#)
    let error = try #require(throws: APIError.self) { try given.addressRequests("request_ips") }
    #expect(error.status == .unprocessableContent)
  }
}
