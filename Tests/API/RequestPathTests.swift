import Testing

@testable import API

struct PathVector: Sendable, CustomTestStringConvertible {
  let sent: String, prefix: String, target: String
  var testDescription: String { sent }

  static let all = [
    PathVector(sent: "/", prefix: "", target: "/"),
    PathVector(sent: "/devices/1", prefix: "", target: "/devices/1"),
    PathVector(sent: "/metal/v1/devices/1", prefix: "/metal/v1", target: "/devices/1"),
    PathVector(sent: "/metal/v1", prefix: "/metal/v1", target: "/"),
    PathVector(sent: "/metal/v1/metal/v1/devices", prefix: "/metal/v1", target: "/devices"),
    PathVector(sent: "//metal//v1///devices/1/", prefix: "/metal/v1", target: "/devices/1"),
    PathVector(sent: "//devices//1//ips", prefix: "", target: "/devices/1/ips"),
    PathVector(sent: "/operating-systems?", prefix: "", target: "/operating-systems"),
    PathVector(sent: "/devices?a=b/c//d", prefix: "", target: "/devices?a=b/c//d"),
    PathVector(sent: "/metal/v2/devices", prefix: "", target: "/metal/v2/devices"),
    PathVector(sent: "/metal", prefix: "", target: "/metal"),
  ]
}

@Suite("Request path") struct RequestPathTests {
  @Test("is brought to one form, whatever prefix and slashes a client sends", arguments: PathVector.all)
  func normal(_ vector: PathVector) {
    let path = RequestPath(vector.sent)
    #expect(path.prefix == vector.prefix)
    #expect(path.target == vector.target)
  }
}
