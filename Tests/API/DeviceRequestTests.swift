import FoundationEssentials
import HTTPTypes
import Rack
import Testing

@testable import API

@Suite("Device creation") struct DeviceRequestTests {
  private let project = ProjectID(UUID())

  private func request(_ body: String) throws -> ServerRequest {
    try DeviceRequest(arguments(body), project: project).request
  }

  @Test("takes the odd forms that clients send")
  func clientForms() throws {
    // packet-python: tags and features are empty objects, facility is a text.
    let python = try request(
      #"{"hostname":"a","project_id":"x","plan":"baremetal_1e","operating_system":"debian_12","facility":"ewr1","#
        + #""tags":{},"features":{},"public_ipv4_subnet_size":31,"userdata":"","locked":false,"customdata":null}"#)
    #expect(python.plan == "x1.small.x86")
    #expect(python.place == .unstated)
    // packngo: facility is a list, of which the first that exists is taken.
    let go = try request(
      #"{"plan":"c3.small.x86","operating_system":"debian_12","facility":["nowhere","AMS1"],"tags":null}"#)
    #expect(go.facility == "ams1")
    #expect(go.hostname == nil)
    let any = try request(#"{"plan":"c3.small.x86","operating_system":"debian_12","metro":"am"}"#)
    #expect(any.facility == "ams1")
  }

  @Test("says everything that is missing or unknown at once")
  func faults() throws {
    let missing = try #require(throws: APIError.self) { try request("{}") }
    #expect(missing.status == .unprocessableContent)
    #expect(missing.messages.map { $0.prefix { $0 != " " } } == ["plan", "operating_system", "facility"])
    let unknown = try #require(throws: APIError.self) {
      try request(#"{"hostname":5,"plan":"x","operating_system":"y","facility":"z","toprack":{"netns":5}}"#)
    }
    #expect(unknown.messages.count == 5)
    #expect(unknown.messages[1].contains(#"plan "x" is not known; valid are c3.small.x86"#))
  }

  @Test("a namespace is given by name, or by true for one that is named after the server")
  func namespaces() throws {
    let rest = #""plan":"c3.small.x86","operating_system":"debian_12","facility":"any""#
    #expect(try request(#"{"hostname":"a","toprack":{"netns":"lab"},\#(rest)}"#).place == .namespace("lab"))
    for name in [#""hostname":"a","#, ""] {
      #expect(try request(#"{\#(name)"toprack":{"netns":true},\#(rest)}"#).place == .named)
    }
    #expect(try request(#"{"hostname":"a","toprack":{"netns":false},\#(rest)}"#).place == .host)
    #expect(try request(#"{"hostname":"a","toprack":{},\#(rest)}"#).place == .unstated)
    #expect(throws: APIError.self) { try request(#"{"toprack":{"netns":1},\#(rest)}"#) }
    #expect(throws: APIError.self) { try request(#"{"hostname":"a","toprack":"lab",\#(rest)}"#) }
  }
}
