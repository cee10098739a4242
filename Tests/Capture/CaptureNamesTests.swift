import Glibc
import Testing

@testable import Capture

@Suite("Names of what is captured") struct CaptureNamesTests {
  @Test("a name that libpcap takes for something else than an interface is not handed on")
  func reserved() {
    for name in [
      "any", "dbus-system", "dbus-session", "usbmon0", "bluetooth0", "nflog", "nflog:5", "nfqueue", "vale0:1",
      "netmap:eth0", "dag0", "snf1", "septel0", "/dev/dag0", "rpcap://host", "", "a b", "\u{1B}[2J",
    ] {
      #expect(CaptureNames.isReserved(name), "\(name.debugDescription)")
    }
    for name in ["eth0", "web1-eth0", "tr0123456789e0", "lan0", "dagmar-eth0", "anything", "usb0"] {
      #expect(!CaptureNames.isReserved(name), "\(name)")
    }
  }

  @Test("an interface that is not the one that is meant is not captured")
  func another() async throws {
    let index = Int(unsafe if_nametoindex("lo"))
    try #require(index > 0)
    for (name, index, says) in [("lo", index + 1, "another interface"), ("any", index, "something else")] {
      let order = CaptureOrder(
        interface: name, index: index, namespace: nil, description: "test", frames: 1, seconds: 1)
      let fault = await #expect(throws: CaptureFault.self) { try await Capture.begin(order, application: "test") }
      #expect(fault?.description.contains(says) == true, "\(fault?.description ?? "")")
    }
  }
}
