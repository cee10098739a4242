import Foundation
import Glibc
import Testing

@testable import API

@Suite("Addresses of the API") struct ListenAddressTests {
  @Test(
    "an IP address and a port, or a port alone",
    arguments: [
      ("127.0.0.1:8443", "127.0.0.1", 8443), ("[::1]:8443", "::1", 8443), ("0.0.0.0:80", "0.0.0.0", 80),
      (":8080", nil, 8080), ("[2001:db8::1]:0", "2001:db8::1", 0), ("127.0.0.1:65535", "127.0.0.1", 65535),
    ] as [(String, String?, Int)])
  func valid(_ text: String, _ host: String?, _ port: Int) throws {
    let address = try ListenAddress(text)
    #expect(address.host == host)
    #expect(address.port == port)
    #expect(address.description == text)
  }

  @Test(
    "anything else is refused with what would be valid",
    arguments: [
      "", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:http", "localhost:80", "::1:80",
      "[127.0.0.1]:80", "[::1]", "[]:80", "256.0.0.1:80", "1.2.3:80", "/run/x", "[::1]:80 ",
    ])
  func invalid(_ text: String) {
    let fault = #expect(throws: ListenAddress.Fault.self) { try ListenAddress(text) }
    #expect(fault?.message.hasSuffix(ListenAddress.rule) == true)
  }

  @Test("a free port is found, and lets nobody in before it is listened at; a busy one is a fault that says so")
  func bind() throws {
    let (descriptor, address) = try ListenAddress("127.0.0.1:0").bind()
    defer { close(descriptor) }
    #expect(address.port > 0)
    #expect(throws: POSIXError(.ECONNREFUSED)) { try RawClient(UInt16(address.port)) }
    #expect(listen(descriptor, 1) == 0)
    let fault = #expect(throws: ListenAddress.Fault.self) { try address.bind() }
    #expect(fault?.message == "\(address) cannot be listened at: another program listens there")
  }

  @Test("an address that the machine does not have is a fault that says so")
  func foreign() {
    let fault = #expect(throws: ListenAddress.Fault.self) { try ListenAddress("192.0.2.1:0").bind() }
    #expect(fault?.message == "192.0.2.1:0 cannot be listened at: the machine does not have the address")
  }
}
