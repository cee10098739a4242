import Glibc
import Testing

/// DHCP clients that others wrote get a layer3 server on the net.
extension Integration {
  @Suite("DHCP") struct DHCPTests {
    private static let mtu = 1400

    /// A tenant that is still to be told its addresses, its routed interface with an unusual MTU, and one that works.
    private static func lab(settings: String = "") throws -> (booting: Tenant, other: Tenant) {
      let lab = try Lab(settings: "dns: 198.51.100.53\n" + settings, withHost: true)
      let booting = try Tenant(in: lab, "web1")
      let other = try Tenant(in: lab, "web2")
      try other.configure()
      try lab.toprack("set", "mtu", "web1", "\(mtu)")
      try booting.shell("ip link set lo up; ip link set eth0 up")
      return (booting, other)
    }

    /// Waits until the tenant has its public address, and checks what else a lease brings.
    private func expectLease(
      _ client: DHCPClient, on tenant: Tenant, _ other: Tenant, length: Int = 32, mtu: Int = mtu,
      sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
      let own = try tenant.addresses().public
      let address = "\(own.host)/\(length)"
      let route = "default via \(own.gateway) dev eth0"
      // The client's script sets one after the other.
      try tenant.lab.poll {
        try tenant.kernelAddresses().contains(address) && tenant.shell("ip route").contains(route)
      }
      #expect(
        try tenant.kernelAddresses().contains(address), "\(address): \(client.log)",
        sourceLocation: sourceLocation)
      #expect(try tenant.shell("ip route").contains(route), "\(client.log)", sourceLocation: sourceLocation)
      #expect(
        try tenant.shell("cat /sys/class/net/eth0/mtu") == "\(mtu)\n", "MTU", sourceLocation: sourceLocation)
      try tenant.pings(own.gateway, other.addresses().public.host, sourceLocation: sourceLocation)
    }

    @Test("dhclient: address, host route to the gateway, default route, MTU, hostname and nameserver, and it pings")
    func dhclient() throws {
      let (web1, web2) = try Self.lab()
      let client = try DHCPClient(.dhclient(lease: nil), on: web1)
      try expectLease(client, on: web1, web2)
      // The hook for option 121 runs last.
      #expect(try web1.lab.poll { client.nameservers.contains("nameserver 198.51.100.53") })
      #expect(try client.hostname() == "web1")
    }

    @Test("dhclient: the address that it releases is the one that it gets again")
    func release() throws {
      let (web1, web2) = try Self.lab()
      var client = try DHCPClient(.dhclient(lease: nil), on: web1)
      try expectLease(client, on: web1, web2)
      try client.release(on: web1)
      #expect(client.ends())
      client = try DHCPClient(.dhclient(lease: nil), on: web1)
      try expectLease(client, on: web1, web2)
    }

    @Test("dhclient with a lease of another address: a NAK, and then its own; RFC 2131 4.3.2, INIT-REBOOT")
    func wrongAddress() throws {
      let (web1, web2) = try Self.lab()
      let old = """
        lease {
          interface "eth0";
          fixed-address 198.18.0.77;
          option subnet-mask 255.255.255.254;
          option routers 198.18.0.76;
          option dhcp-lease-time 86400;
          option dhcp-message-type 5;
          option dhcp-server-identifier 198.18.0.76;
          renew 5 2037/01/01 00:00:00;
          rebind 5 2037/01/02 00:00:00;
          expire 5 2037/01/03 00:00:00;
        }

        """
      let client = try DHCPClient(.dhclient(lease: old), on: web1)
      try expectLease(client, on: web1, web2)
      #expect(client.log.contains("DHCPREQUEST for 198.18.0.77"), "\(client.log)")
      let gateway = try web1.addresses().public.gateway
      #expect(client.log.contains("DHCPNAK from \(gateway)"), "\(client.log)")
    }

    @Test(
      "udhcpc: address, default route, MTU, then a renewal and the release by signal; the lease says what PXE needs")
    func udhcpc() throws {
      let (web1, web2) = try Self.lab(settings: "next-server: 198.51.100.69\nboot-file: ipxe/undionly.kpxe\n")
      // It asks for options that its script is given, and not for the MTU unless it is told.
      let client = try DHCPClient(.udhcpc(["-O mtu", "-O hostname", "-O tftp", "-O bootfile"]), on: web1)
      try expectLease(client, on: web1, web2, length: 31)
      try web1.lab.poll { client.events.contains { $0["event"] == "bound" && $0["ip"] != nil } }
      let lease = try #require(client.events.first { $0["event"] == "bound" })
      let own = try web1.addresses().public
      #expect(lease["ip"] == own.host && lease["router"] == own.gateway && lease["serverid"] == own.gateway)
      #expect(lease["hostname"] == "web1" && lease["dns"] == "198.51.100.53" && lease["mtu"] == "\(Self.mtu)")
      #expect(lease["siaddr"] == "198.51.100.69" && lease["boot_file"] == "ipxe/undionly.kpxe", "\(lease)")
      #expect(lease["tftp"] == "198.51.100.69" && lease["bootfile"] == "ipxe/undionly.kpxe", "\(lease)")

      // RENEWING: a unicast REQUEST.
      client.signal(SIGUSR1)
      #expect(try web1.lab.poll { client.events.contains { $0["event"] == "renew" && $0["ip"] == own.host } })
      try expectLease(client, on: web1, web2, length: 31)
      // RELEASE, and it stays without until it is told to renew.
      client.signal(SIGUSR2)
      #expect(try web1.lab.poll { client.events.last?["event"] == "deconfig" && client.events.count > 2 })
      #expect(try web1.lab.poll { try !web1.kernelAddresses().contains { $0.hasPrefix("\(own.host)/") } })
      client.signal(SIGUSR1)
      try expectLease(client, on: web1, web2, length: 31)
    }

    @Test("udhcpc with option 121 has a host route; asking for another's address, it is offered its own")
    func udhcpcRequests() throws {
      let (web1, web2) = try Self.lab()
      let another = try web2.addresses().public.host
      let client = try DHCPClient(.udhcpc(["-O mtu", "-O staticroutes", "-r \(another)"]), on: web1)
      try expectLease(client, on: web1, web2, length: 32)
      try web1.lab.poll { client.events.contains { $0["event"] == "bound" && $0["ip"] != nil } }
      let gateway = try web1.addresses().public.gateway
      #expect(
        client.events.first { $0["event"] == "bound" }?["staticroutes"]
          == "\(gateway)/32 0.0.0.0 0.0.0.0/0 \(gateway)")
    }

    @Test("after a conversion to layer 2 and back, the client's old lease is refused and the fresh address given")
    func conversion() throws {
      let (web1, web2) = try Self.lab()
      let client = try DHCPClient(.udhcpc(["-O mtu"]), on: web1)
      try expectLease(client, on: web1, web2, length: 31)
      let old = try web1.addresses().public.host
      try web1.lab.toprack("server", "mode", "web1", "layer2-bonded")
      try web1.lab.toprack("server", "mode", "web1", "layer3")
      #expect(try web1.addresses().public.host != old)
      let capture = try Capture(on: "eth0", in: web1.namespace)
      client.signal(SIGUSR1)
      // udhcpc listens to the server that it knows, and so waits until it is tired; others believe a NAK.
      try expectLease(client, on: web1, web2, length: 31)
      #expect(try !web1.kernelAddresses().contains { $0.hasPrefix("\(old)/") })
      var refusals = 0
      while let frame = try capture.next(until: .after(.zero)) {
        // From UDP port 67; behind the magic cookie, option 53 with 6.
        guard frame.count > 285, Array(frame[34..<38]) == [0, 67, 0, 68] else { continue }
        if Array(frame[282..<285]) == [53, 1, 6], Array(frame[0..<6]) == MAC.broadcast.bytes { refusals += 1 }
      }
      #expect(refusals > 0, "REBINDING, RFC 2131 4.3.2: \(client.log)")
    }

    @Test("nobody answers in the layer-2 modes", arguments: [Mode.layer2Bonded, .layer2Individual])
    func layer2(_ mode: Mode) throws {
      let (web1, _) = try Self.lab()
      try web1.lab.toprack("server", "mode", "web1", mode.rawValue)
      let finished = try web1.attempt("udhcpc -f -n -q -t 2 -T 1 -i eth0 -s /bin/true")
      #expect(finished.status == 1 && finished.errors.contains("no lease"), "\(finished.errors)")
    }
  }
}
