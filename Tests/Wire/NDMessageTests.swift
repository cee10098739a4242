import Net
import Testing
import Wire

@Suite("Neighbour discovery messages, RFC 4861") struct NDMessageTests {
  static let host = IPAddress(v6: 0x2001_0DB8 << 96 | 1)
  static let gateway = IPAddress(v6: 0x2001_0DB8 << 96)
  static let mac = MACAddress(0x0200_0000_0011)

  static func header(
    _ source: IPAddress = host, _ destination: IPAddress = gateway, hopLimit: UInt8 = 255
  ) -> IPv6Header {
    IPv6Header(nextHeader: 58, hopLimit: hopLimit, source: source, destination: destination)
  }

  @Test("a solicitation on the wire: type, target, source link-layer address; and it is read back")
  func solicitation() {
    let message = NDMessage.neighbourSolicitation(target: Self.gateway, source: Self.mac)
    let bytes = message.bytes(from: Self.host, to: Self.gateway)
    #expect(bytes.prefix(2) == [135, 0])
    #expect(bytes[4..<8] == [0, 0, 0, 0])
    #expect(bytes[8..<24] == [0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    #expect(bytes[24...] == [1, 1, 2, 0, 0, 0, 0, 0x11])
    #expect(NDMessage(bytes[...], Self.header()) == message)
  }

  @Test("an advertisement has its flags in the first octet, and is read back")
  func advertisement() {
    for flags in [[], [.router], [.solicited], [.override], [.router, .solicited, .override]] as [NDMessage.Flags] {
      let message = NDMessage.neighbourAdvertisement(target: Self.host, flags: flags, link: Self.mac)
      let bytes = message.bytes(from: Self.host, to: Self.gateway)
      #expect(bytes[0] == 136)
      #expect(bytes[4] == flags.rawValue)
      #expect(bytes[24...] == [2, 1, 2, 0, 0, 0, 0, 0x11])
      #expect(NDMessage(bytes[...], Self.header()) == message)
    }
  }

  @Test("a router advertisement says hop limit, lifetime, link-layer address and MTU, and no prefix")
  func routerAdvertisement() {
    let bytes = NDMessage.routerAdvertisement(.init(lifetime: 1_800, source: Self.mac, mtu: 9_000))
      .bytes(from: .linkLocal(Self.mac), to: .allNodes)
    #expect(bytes.prefix(2) == [134, 0])
    #expect(bytes[4..<8] == [64, 0, 0x07, 0x08])
    #expect(bytes[8..<16] == [0, 0, 0, 0, 0, 0, 0, 0])
    #expect(bytes[16...] == [1, 1, 2, 0, 0, 0, 0, 0x11, 5, 1, 0, 0, 0, 0, 0x23, 0x28])
  }

  @Test("the checksum takes in the pseudo-header")
  func checksum() {
    let bytes = NDMessage.routerSolicitation(source: nil).bytes(from: Self.host, to: .allRouters)
    let sum = InternetChecksum.pseudoHeader(from: Self.host, to: .allRouters, protocol: 58, length: 8)
    #expect(InternetChecksum.sum(bytes, adding: sum) == 0xFFFF)
  }

  static func solicitationBytes() -> [UInt8] {
    NDMessage.neighbourSolicitation(target: gateway, source: mac).bytes(from: host, to: gateway)
  }

  @Test("a hop limit of 254 gives nothing: 3.1, 7.1.1")
  func hopLimit() {
    #expect(NDMessage(Self.solicitationBytes()[...], Self.header(hopLimit: 254)) == nil)
  }

  @Test("another code, a target that is a group, and an option without length give nothing: 7.1.1")
  func invalid() {
    func read(_ change: (inout [UInt8]) -> Void) -> NDMessage? {
      var bytes = Self.solicitationBytes()
      change(&bytes)
      return NDMessage(bytes[...], Self.header())
    }
    #expect(read { _ in } != nil)
    #expect(read { $0[1] = 1 } == nil)
    #expect(read { $0[8] = 0xFF } == nil)
    #expect(read { $0[25] = 0 } == nil)
    #expect(read { $0[25] = 2 } == nil)
    #expect(read { $0[26] = 1 } == nil)
    #expect(read { $0.removeLast() } == nil)
    #expect(read { $0.removeLast(8) } == .neighbourSolicitation(target: Self.gateway, source: nil))
    #expect(read { $0.removeLast(9) } == nil)
    #expect(read { $0 += [200, 1, 0, 0, 0, 0, 0, 0] } != nil)
  }

  @Test("from the unspecified address: only to the solicited-node group and without link-layer address, 7.1.1")
  func duplicateAddressDetection() {
    let bare = NDMessage.neighbourSolicitation(target: Self.gateway, source: nil)
      .bytes(from: .unspecified6, to: Self.gateway.solicitedNode)
    #expect(NDMessage(bare[...], Self.header(.unspecified6, Self.gateway.solicitedNode)) != nil)
    #expect(NDMessage(bare[...], Self.header(.unspecified6, Self.gateway)) == nil)
    #expect(NDMessage(Self.solicitationBytes()[...], Self.header(.unspecified6, Self.gateway.solicitedNode)) == nil)
  }

  @Test("a solicited advertisement to a group gives nothing: 7.1.2")
  func advertisementToGroup() {
    for (flags, isValid) in [([.solicited], false), ([.override], true)] as [(NDMessage.Flags, Bool)] {
      let bytes = NDMessage.neighbourAdvertisement(target: Self.host, flags: flags, link: Self.mac)
        .bytes(from: Self.host, to: .allNodes)
      #expect((NDMessage(bytes[...], Self.header(Self.host, .allNodes)) != nil) == isValid)
    }
  }

  @Test("a router solicitation from the unspecified address has no link-layer address: 6.1.1")
  func routerSolicitation() {
    for (mac, isValid) in [(nil, true), (Self.mac, false)] {
      let bytes = NDMessage.routerSolicitation(source: mac).bytes(from: .unspecified6, to: .allRouters)
      #expect((NDMessage(bytes[...], Self.header(.unspecified6, .allRouters)) != nil) == isValid)
    }
    #expect(NDMessage([133, 0, 0, 0, 0, 0, 0], Self.header()) == nil)
  }

  @Test("advertisements of other routers and redirects give nothing")
  func others() {
    for type in [134, 137, 143] as [UInt8] {
      #expect(NDMessage(([type, 0] + [UInt8](repeating: 0, count: 38))[...], Self.header()) == nil)
    }
  }
}
