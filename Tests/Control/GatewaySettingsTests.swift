import Control
import Net
import Rack
import Testing
import Wire

@Suite("Settings of the gateway") struct GatewaySettingsTests {
  @Test("have defaults that fit the default ranges")
  func defaults() {
    let settings = GatewaySettings()
    #expect(settings.conflict(with: AddressPlan()) == nil)
    #expect(settings.uplink == "toprack0" && settings.uplink(of: "ewr1") == "toprack0")
    #expect(settings.uplinkIPv4.description == "198.19.255.0/24")
    #expect(settings.uplinkIPv6.description == "2001:db8:ffff:ffff::/64")
    #expect(!settings.masquerade && settings.metadata && settings.dns == .host && settings.leaseSeconds == 86_400)
    #expect(settings.nextServer == nil && settings.bootFile == nil)
    #expect(settings.uplinksInUse.map(\.name) == ["toprack0"])
    #expect(settings.uplinksInUse.first?.facilities == Catalogue.facilities.map(\.code))
  }

  @Test("are read from text")
  func set() throws {
    var settings = GatewaySettings()
    for (name, value) in [
      ("uplink", "none"), ("pools.ams1.uplink", "up.ams-1_x"), ("pools.sjc1.uplink", "none"),
      ("uplink-ipv4", "192.0.2.0/30"), ("uplink-ipv6", "fd00::/126"), ("masquerade", "true"), ("metadata", "false"),
      ("dns", "192.0.2.1, 2001:db8::1"), ("next-server", "192.0.2.3"), ("boot-file", "pxe/ipxe.efi"),
      ("ipxe-boot-file", "snponly.efi"), ("lease-seconds", "120"),
    ] {
      try settings.set(name, to: value)
    }
    #expect(settings.uplink == nil && settings.uplink(of: "sjc1") == nil && settings.uplink(of: "ewr1") == nil)
    #expect(settings.uplink(of: "ams1") == "up.ams-1_x")
    #expect(settings.uplinksInUse.map(\.facilities) == [["ams1"]])
    #expect(settings.dns == .addresses([IPAddress(v4: 0xC000_0201), IPAddress(v6: 0x2001_0db8 << 96 | 1)]))
    #expect(settings.nextServer == IPAddress(v4: 0xC000_0203) && settings.bootFile == "pxe/ipxe.efi")
    #expect(settings.ipxeBootFile == "snponly.efi")
    #expect(settings.masquerade && !settings.metadata && settings.leaseSeconds == 120)
    #expect(settings.conflict(with: AddressPlan()) == nil)
  }

  @Test("a facility without an uplink is not one without a setting")
  func noUplinkOfFacility() throws {
    var settings = GatewaySettings()
    try settings.set("pools.ewr1.uplink", to: "none")
    #expect(settings.uplink(of: "ewr1") == nil && settings.uplink(of: "sjc1") == "toprack0")
    #expect(settings.uplinksInUse.first?.facilities.contains("ewr1") == false)
  }

  @Test(
    "that cannot be say what is valid",
    arguments: [
      ("uplink", "", "1 to 15"), ("uplink", "sixteen-letters-", "1 to 15"), ("uplink", "a/b", "or none"),
      ("uplink", "eth%d", "or none"), ("uplink", "a b", "or none"), ("uplink", "..", "or none"),
      ("uplink", "ünï", "or none"), ("pools.ewr1.uplink", "a:b", "or none"), ("uplink-ipv4", "fd00::/64", "IPv4"),
      ("uplink-ipv4", "192.0.2.1/24", "the block is 192.0.2.0/24"), ("uplink-ipv4", "192.0.2.1", "/31 or larger"),
      ("uplink-ipv4", "224.0.0.0/24", "multicast"), ("uplink-ipv6", "10.0.0.0/8", "IPv6"),
      ("uplink-ipv6", "fe80::/64", "link-local"), ("masquerade", "yes", "true or false"), ("metadata", "", "true or"),
      ("dns", "", "host, none"), ("dns", "1.1.1.1/32", "host, none"), ("dns", "example.com", "host, none"),
      ("dns", "1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1", "1 to 8"),
      ("next-server", "fd00::1", "IPv4 address"), ("next-server", "tftp", "IPv4 address"),
      ("boot-file", "", "1 to 127"),
      ("boot-file", "a\nb", "ASCII"), ("lease-seconds", "119", "from 120"), ("lease-seconds", "a day", "from 120"),
    ])
  func faults(_ name: String, _ value: String, _ says: String) {
    var settings = GatewaySettings()
    let before = settings
    let fault = #expect(throws: GatewaySettings.Fault.self) { try settings.set(name, to: value) }
    #expect(fault?.message.contains(says) == true, "\(fault?.message ?? "")")
    #expect(settings == before)
  }

  @Test("prefixes of uplinks keep clear of the ranges of servers, and have a pair for each uplink")
  func conflicts() throws {
    var settings = GatewaySettings()
    try settings.set("uplink-ipv4", to: "10.67.4.0/24")
    #expect(settings.conflict(with: AddressPlan())?.contains("pools.ams1.private-ipv4 10.67.0.0/16") == true)
    settings = GatewaySettings()
    for facility in ["ewr1", "sjc1", "dfw2", "ams1"] {
      try settings.set("pools.\(facility).uplink", to: "up-\(facility)")
    }
    try settings.set("uplink-ipv4", to: "192.0.2.0/29")
    let fault = try #require(settings.conflict(with: AddressPlan()))
    #expect(fault.contains("uplink-ipv4 192.0.2.0/29 has 4 pairs") && fault.contains("5 uplinks"))
    try settings.set("uplink-ipv4", to: "192.0.2.0/28")
    #expect(settings.conflict(with: AddressPlan()) == nil)
    var plan = AddressPlan()
    try plan.set("pools.ewr1.private-ipv4", to: "10.71.0.0/25")
    #expect(settings.conflict(with: plan)?.contains("pools.syd2.private-ipv4 10.71.0.0/16") == true)
  }

  @Test("nameservers of the host are taken from resolv.conf, but for its own")
  func hostDNS() throws {
    let text = """
      # made by somebody
      search example.com
      nameserver 127.0.0.53
      nameserver ::1
      nameserver\t192.0.2.1 # comment
       nameserver 2001:db8::53
      nameserver fe80::1%eth0
      nameserver fe80::2
      nameserver nonsense
      nameserver
      options edns0
      """
    var settings = GatewaySettings()
    let found = settings.dnsServers(resolvConf: text)
    #expect(found.map(\.description) == ["192.0.2.1", "2001:db8::53"])
    try settings.set("dns", to: "none")
    #expect(settings.dnsServers(resolvConf: text) == [])
    try settings.set("dns", to: "192.0.2.9")
    #expect(settings.dnsServers(resolvConf: text).map(\.description) == ["192.0.2.9"])
  }
}
