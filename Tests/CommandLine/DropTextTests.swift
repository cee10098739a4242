import Testing

@testable import toprack

@Suite("Drops for people") struct DropTextTests {
  private func drop(_ advice: String = "make one native, or tag it", server: String? = "web2") -> Drop {
    Drop(
      time: "2026-11-28T03:15:19.123456789Z", server: server, nic: server == nil ? "uplink/toprack0" : "eth0",
      direction: "in", reason: "untagged-not-allowed", length: 42,
      summary: "ARP, Request who-has 10.0.0.1 tell 10.0.0.2, length 28" + String(repeating: " and more", count: 9),
      advice: advice)
  }

  @Test("no line is longer than 80 columns, and an advice that was just given is not given again")
  func width() {
    let text = DropText()
    let long =
      "untagged frame on web2 eth0, which has VLANs 1001 and 1002 tagged: make one native, or tag it; toprack "
      + "port native web2 eth0 1001"
    let first = text.lines(drop(long))
    #expect(first[0] == "03:15:19.123456  web2/eth0                in   untagged-not-allowed   42")
    #expect(first[1].count == 80 && first[1].hasSuffix("…"))
    #expect(first[2].hasPrefix("  -> untagged frame") && first[3].hasPrefix("     "))
    #expect((first + [DropText.heading]).allSatisfy { $0.count <= 80 })
    #expect(first.dropFirst(2).joined(separator: " ").split(separator: " ").dropFirst().joined(separator: " ") == long)
    #expect(text.lines(drop(long)).count == 2)
    #expect(text.lines(drop("another")).count == 3)
    #expect(text.lines(drop("another", server: nil))[0].contains("  uplink/toprack0  "))
  }

  @Test(
    "SERVER:PORT is taken apart at the last colon",
    arguments: [
      (nil, nil, nil), ("web1", "web1", nil), ("web1:eth0", "web1", "eth0"), ("shop/web1:bond0", "shop/web1", "bond0"),
      ("a:b/web1", "a:b/web1", nil), ("a:b/web1:eth1", "a:b/web1", "eth1"), ("web1:", "web1:", nil),
    ] as [(String?, String?, String?)])
  func target(_ target: String?, _ server: String?, _ port: String?) {
    let parts = DropsCommand.parts(of: target)
    #expect(parts.server == server && parts.port == port)
  }
}
