import Glibc
import Testing

/// Programs that others wrote ask the gateway who it is.
extension Integration {
  @Suite("The gateway as its neighbours see it") struct GatewayPeersTests {
    @Test("arping: the gateway answers for its public and its private address, for nobody else's")
    func arping() throws {
      let lab = try Lab(withHost: true)
      let web1 = try Tenant(in: lab, "web1")
      let web2 = try Tenant(in: lab, "web2")
      try web1.configure()
      try web2.configure()
      let own = try web1.addresses()
      var answers = Set<String>()
      for gateway in [own.public.gateway, own.private.gateway] {
        let source = gateway == own.public.gateway ? own.public.host : own.private.host
        let finished = try web1.attempt("arping -c 1 -w 5 -I eth0 -s \(source) \(gateway)")
        #expect(finished.status == 0, "\(gateway): \(finished.text)")
        answers.insert(finished.text.split(separator: "[").dropFirst().first?.prefix(17).description ?? "none")
      }
      #expect(answers.count == 1, "one MAC for all of them: \(answers)")

      // All of these are asked at once; then the gateway, whose answer comes behind theirs.
      let others = [
        try web2.addresses().public.host, try web2.addresses().public.gateway, "198.18.0.200", "8.8.8.8",
        "169.254.7.7",
      ]
      let capture = try Capture(on: "eth0", in: web1.namespace)
      for other in others {
        _ = try web1.attempt("arping -c 1 -w 1 -I eth0 \(other)")
      }
      try web1.shell("arping -c 1 -w 5 -I eth0 \(own.public.gateway)")
      var replies: [[UInt8]] = []
      try lab.poll {
        while let bytes = try capture.next(until: .after(.zero)) {
          guard let frame = Frame(bytes), frame.etherType == 0x0806, frame.payload[7] == 2 else { continue }
          replies.append(Array(frame.payload[14..<18]))
        }
        return !replies.isEmpty
      }
      #expect(replies == [own.public.gateway.split(separator: ".").compactMap { UInt8($0) }])
    }

    @Test("arping -D, RFC 5227 2.1.1: nobody has the server's own address; the gateway defends its own")
    func duplicateAddressDetection() throws {
      let lab = try Lab(withHost: true)
      let web1 = try Tenant(in: lab, "web1")
      try web1.shell("ip link set eth0 up")
      let own = try web1.addresses()
      for address in [own.public, own.private] {
        let free = try web1.attempt("arping -D -c 2 -w 2 -I eth0 \(address.host)")
        #expect(free.status == 0, "\(free.text)")
        let taken = try web1.attempt("arping -D -c 2 -w 5 -I eth0 \(address.gateway)")
        #expect(taken.status == 1 && taken.text.contains("Unicast reply from \(address.gateway)"), "\(taken.text)")
      }
      // A probe teaches nothing: RFC 5227 2.1, it has no sender address.
      #expect(try !lab.toprack("neighbour", "list").contains(own.public.host))
    }

    @Test("rdisc6, RFC 4861 4.2: a default router for 1800 s with the link's MTU, and no prefix to make addresses from")
    func routerAdvertisement() throws {
      let lab = try Lab(withHost: true)
      let web1 = try Tenant(in: lab, "web1")
      try lab.toprack("set", "mtu", "web1", "1400")
      try web1.shell("ip link set eth0 up")
      try web1.hasLinkLocalAddress()
      let advertisement = try web1.shell("rdisc6 -1 -w 10000 eth0")
      for line in [
        "Stateful address conf.    :           No", "Stateful other conf.      :           No",
        "Router lifetime           :         1800 (0x00000708) seconds",
        "MTU                      :         1400 bytes",
        "Source link-layer address:",
      ] {
        #expect(advertisement.contains(line), "\(advertisement)")
      }
      #expect(!advertisement.contains("Prefix"), "\(advertisement)")

      // The kernel takes it: a default route by the gateway's link-local address, which answers.
      let router = try #require(advertisement.split(separator: "from ").last?.split(separator: "\n").first)
      #expect(try lab.poll { try web1.shell("ip -6 route").contains("default via \(router) dev eth0 proto ra") })
      try web1.pings("\(router)%eth0")
      #expect(try web1.kernelAddresses().allSatisfy { $0.hasPrefix("fe80:") })
    }

    @Test("ndisc6, RFC 4861 7.2.4: the gateway advertises its global address, and nobody else's")
    func neighbourAdvertisement() throws {
      let lab = try Lab(withHost: true)
      let web1 = try Tenant(in: lab, "web1")
      let web2 = try Tenant(in: lab, "web2")
      try web1.configure()
      try web2.configure()
      try web1.hasLinkLocalAddress()
      let own = try web1.addresses()
      let known = try web1.shell("ndisc6 -1 -w 5000 \(own.ipv6.gateway) eth0")
      let arping = try web1.shell("arping -c 1 -w 5 -I eth0 \(own.public.gateway)")
      let mac = try #require(arping.split(separator: "[").dropFirst().first?.prefix(17)).lowercased()
      #expect(known.lowercased().contains("target link-layer address: \(mac)"), "\(known)")
      for other in [try web2.addresses().ipv6.host, try web2.addresses().ipv6.gateway, "2001:db8::dead"] {
        let unknown = try web1.attempt("ndisc6 -r 1 -w 500 \(other) eth0")
        #expect(unknown.status != 0, "\(unknown.text)")
      }
      try web1.pings(own.ipv6.gateway, web2.addresses().ipv6.host)
    }
  }
}

extension Tenant {
  /// Waits until the kernel has made sure that nobody else has its link-local address.
  func hasLinkLocalAddress(on interface: String = "eth0") throws {
    let made = try lab.poll {
      let text = try shell("ip -6 address show dev \(interface) scope link")
      return text.contains("fe80:") && !text.contains("tentative")
    }
    #expect(made, "link-local address of \(name)")
  }
}
