import Glibc
import Ports
import Testing

@testable import Host

@Suite("Carrier of a TAP", .enabled(if: canMakeInterfaces, "needs root and /dev/net/tun"))
struct CarrierTests {
  let namespace: TestNamespace
  init() throws { namespace = try TestNamespace() }

  private func hasCarrier(_ name: String) throws -> Bool? {
    try Links.list(in: namespace.name).first { $0.name == name }?.hasCarrier
  }

  @Test("the cable is plugged and pulled, whether the interface is up or down, and pulled again for a next process")
  func pulled() throws {
    let tap = try TAP.open("t0", in: namespace.name)
    #expect(try hasCarrier("t0") == true)
    try tap.setCarrier(false)
    #expect(try hasCarrier("t0") == false)
    try Links.setUp("t0", true, in: namespace.name)
    #expect(try hasCarrier("t0") == false)
    let isUp = tap.isUp()
    #expect(isUp, "up without carrier")
    try tap.setCarrier(true)
    #expect(try hasCarrier("t0") == true)
    try tap.setPersistent(true)
    _ = consume tap
    #expect(try hasCarrier("t0") == false, "nobody holds it")
  }

  @Test("an interface that is opened without carrier never has it, a new one and a persistent one")
  func openedWithout() throws {
    func open() throws {
      let tap = try TAP.open("t0", in: namespace.name, carrier: false)
      try Links.setUp("t0", true, in: namespace.name)
      #expect(try hasCarrier("t0") == false)
      try tap.setPersistent(true)
    }
    try open()
    try open()
    let tap = try TAP.open("t0", in: namespace.name)
    #expect(try hasCarrier("t0") == true)
    _ = consume tap
  }
}
