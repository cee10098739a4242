public import Net
import Wire

/// What a client is answered, and where the answer goes: from UDP port 67 to port 68.
public struct DHCPAnswer: Equatable, Sendable {
  /// Behind the UDP header.
  public var message: [UInt8]
  public var toMAC: MACAddress
  public var toAddress: IPAddress
  /// The gateway's address, which is also the server identifier.
  public var from: IPAddress

  public init(message: [UInt8], toMAC: MACAddress, toAddress: IPAddress, from: IPAddress) {
    (self.message, self.toMAC, self.toAddress, self.from) = (message, toMAC, toAddress, from)
  }
}

/// The DHCPv4 server of a routed interface: one client, one address.
///
/// ## How it works
/// A server's address is given to it by the control plane for as long as it is in a routed mode; behind its interface
/// nobody else can be. So the lease is the interface, there is no table of leases, and an answer depends on the request
/// and the interface alone. Whoever asks gets the address, whatever its MAC address or client identifier: a server may
/// boot by PXE, then by its operating system, with either NIC. DECLINE and RELEASE change nothing: there is no other
/// address to give.
///
///     DISCOVER                                             → OFFER
///     REQUEST, server identifier (SELECTING): ours         → ACK when the address asked for is the right one, else NAK
///                                             another's    → silence
///     REQUEST, requested address (INIT-REBOOT)             → ACK or NAK
///     REQUEST, ciaddr (RENEWING, REBINDING)                → ACK or NAK
///     INFORM                                               → ACK without address and times
///     RELEASE, DECLINE, anything by a relay                → silence
///
/// The server is authoritative for its link: a wrong address gets a NAK although no record of the client exists.
///
/// Source: RFC 2131 4.1, 4.3; options RFC 2132, RFC 3442, RFC 6842.
///
/// ## Threads
/// Pure function, no state.
public enum DHCPServer {
  /// `message`: what stands behind the UDP header. `nil`: no answer is due. `now` is not needed by a lease that never
  /// changes.
  public static func answer(
    _ message: ArraySlice<UInt8>, on interface: RoutedInterface, at now: UInt64
  ) -> DHCPAnswer? {
    guard let lease = Lease(interface), let request = DHCPMessage(message), let kind = request.kind,
      request.operation == .request, request.relayAddress == unspecified, request.hardwareAddress.isValidSource,
      isUnicastOrNone(request.clientAddress)
    else { return nil }
    switch kind {
    case .discover: return lease.answer(.offer, to: request)
    case .request: return answer(request, with: lease)
    case .inform: return lease.answer(.ack, to: request, givesAddress: false)
    case .offer, .ack, .nak, .decline, .release: return nil
    }
  }

  /// RFC 2131 4.3.2: which state the client is in shows in what it names.
  private static func answer(_ request: DHCPMessage, with lease: Lease) -> DHCPAnswer? {
    if let server = request.options[.serverIdentifier] {
      guard server.count == 4, server.address4(at: 0) == lease.link.gateway else { return nil }
    }
    var named: [IPAddress] = []
    if let requested = request.options[.requestedAddress] {
      guard requested.count == 4 else { return nil }
      named.append(requested.address4(at: 0))
    }
    if request.clientAddress != unspecified { named.append(request.clientAddress) }
    guard !named.isEmpty || request.options[.serverIdentifier] != nil else { return nil }
    let isOurs = !named.isEmpty && named.allSatisfy { $0 == lease.link.host }
    return isOurs ? lease.answer(.ack, to: request) : lease.refusal(of: request)
  }

  /// An answer is sent to this address, so it must be one that a single machine can have.
  private static func isUnicastOrNone(_ address: IPAddress) -> Bool {
    let first = address.v4 >> 24
    return address == unspecified || (first != 0 && first != 127 && first < 224)
  }

  fileprivate static let unspecified = IPAddress(v4: 0)
  fileprivate static let broadcast = IPAddress(v4: 0xFFFF_FFFF)
  fileprivate static let broadcastMAC = MACAddress(0xFFFF_FFFF_FFFF)
}

/// What an interface has to give.
private struct Lease {
  let link: RoutedInterface.Link
  let boot: RoutedInterface.Boot
  let mtu: Int

  init?(_ interface: RoutedInterface) {
    guard interface.kind == .server, let boot = interface.boot else { return nil }
    let links = interface.links.filter(\.gateway.isV4)
    guard let link = links.first(where: \.isPublic) ?? links.first else { return nil }
    (self.link, self.boot, mtu) = (link, boot, interface.mtu)
  }

  /// `givesAddress`: false for INFORM, whose answer has no `yiaddr` and no times (RFC 2131 4.3.5).
  func answer(_ kind: DHCPMessage.Kind, to request: DHCPMessage, givesAddress: Bool = true) -> DHCPAnswer {
    var reply = reply(kind, to: request)
    // RFC 2131 4.3.1, Table 3: an offer has no ciaddr.
    if kind == .ack { reply.clientAddress = request.clientAddress }
    if givesAddress { reply.yourAddress = link.host }
    if let next = boot.nextServer, next.isV4 { reply.nextServer = next }
    // A name that does not fit in whole is in option 67 only.
    if let name = boot.filename(for: request)?.utf8, name.count < 128 { reply.file = Array(name) }
    addOptions(to: &reply.options, for: request, withTimes: givesAddress)

    if request.clientAddress != DHCPServer.unspecified {
      return send(reply, to: request.clientAddress, request.hardwareAddress, limit: sizeLimit(of: request))
    }
    guard request.flags & DHCPMessage.broadcastFlag == 0, givesAddress else {
      return send(reply, to: DHCPServer.broadcast, DHCPServer.broadcastMAC, limit: sizeLimit(of: request))
    }
    return send(reply, to: link.host, request.hardwareAddress, limit: sizeLimit(of: request))
  }

  /// NAK. Broadcast whatever the flag and `ciaddr` say, because the client's address is the one in doubt: RFC 2131 4.1.
  func refusal(of request: DHCPMessage) -> DHCPAnswer {
    send(
      reply(.nak, to: request), to: DHCPServer.broadcast, DHCPServer.broadcastMAC, limit: sizeLimit(of: request))
  }

  /// What every answer has: RFC 2131 4.3.1, Table 3; the client identifier comes back unaltered, RFC 6842 3.
  private func reply(_ kind: DHCPMessage.Kind, to request: DHCPMessage) -> DHCPMessage {
    var reply = DHCPMessage(
      operation: .reply, transaction: request.transaction, flags: request.flags,
      hardwareAddress: request.hardwareAddress)
    reply.options.append(.messageType, [kind.rawValue])
    reply.options.append(.serverIdentifier, address: link.gateway)
    if kind == .nak { addIdentifier(to: &reply.options, of: request) }
    return reply
  }

  private func addIdentifier(to options: inout DHCPOptions, of request: DHCPMessage) {
    if let identifier = request.options[.clientIdentifier] { options.append(.clientIdentifier, identifier) }
  }

  /// From the most to the least important, because what does not fit is left out.
  private func addOptions(to options: inout DHCPOptions, for request: DHCPMessage, withTimes: Bool) {
    let list = request.options[.parameterRequestList]
    func isWanted(_ code: DHCPOption) -> Bool { list?.contains(code.rawValue) ?? true }

    if withTimes { options.append(.leaseTime, number: boot.leaseSeconds) }
    addRoutes(to: &options, classless: list?.contains(DHCPOption.classlessStaticRoutes.rawValue) ?? false)
    addIdentifier(to: &options, of: request)
    // 0xFFFF_FFFF is for ever, RFC 2131 3.3: there is no half of it.
    if withTimes, boot.leaseSeconds != .max {
      options.append(.renewalTime, number: boot.leaseSeconds / 2)
      options.append(.rebindingTime, number: UInt32(UInt64(boot.leaseSeconds) * 7 / 8))
    }
    let isPXE = (request.options[.vendorClass]?.starts(with: "PXEClient".utf8) ?? false) || request.isFromIPXE
    if let next = boot.nextServer, next.isV4, isPXE || isWanted(.tftpServerName) {
      options.append(.tftpServerName, next.description.utf8)
    }
    if let name = boot.filename(for: request)?.utf8, !name.isEmpty,
      isPXE || isWanted(.bootfileName) || name.count >= 128
    {
      options.append(.bootfileName, name)
    }
    let servers = boot.dns.filter(\.isV4)
    if !servers.isEmpty, isWanted(.domainNameServer) {
      for server in servers { options.append(.domainNameServer, address: server) }
    }
    if !boot.hostname.isEmpty, isWanted(.hostName) { options.append(.hostName, boot.hostname.utf8) }
    if mtu >= 68, isWanted(.interfaceMTU) {
      var value: [UInt8] = []
      value.appendNumber16(UInt16(clamping: mtu))
      options.append(.interfaceMTU, value)
    }
  }

  /// A client that knows classless routes is told how to reach the gateway by a route, and ignores the router (RFC
  /// 3442, "DHCP Client Behavior"); the others have the gateway in their /31 (RFC 3021).
  private func addRoutes(to options: inout DHCPOptions, classless: Bool) {
    options.append(.subnetMask, address: IPAddress(v4: classless ? 0xFFFF_FFFF : 0xFFFF_FFFE))
    options.append(.router, address: link.gateway)
    guard classless else { return }
    var gateway: [UInt8] = []
    gateway.appendNumber32(link.gateway.v4)
    options.append(.classlessStaticRoutes, [32] + gateway + [0, 0, 0, 0])
    options.append(.classlessStaticRoutes, [0] + gateway)
  }

  /// Bytes that the message may have: what the client takes (option 57, RFC 2132 9.10), and in one packet.
  private func sizeLimit(of request: DHCPMessage) -> Int {
    var datagram = DHCPMessage.minimumDatagram
    if let value = request.options[.maximumMessageSize], value.count == 2 {
      datagram = max(datagram, Int(value.number16(at: 0)))
    }
    return min(datagram, max(mtu, DHCPMessage.minimumDatagram)) - DHCPMessage.datagramHeaders
  }

  private func send(_ reply: DHCPMessage, to address: IPAddress, _ mac: MACAddress, limit: Int) -> DHCPAnswer {
    DHCPAnswer(message: reply.encoded(limit: limit), toMAC: mac, toAddress: address, from: link.gateway)
  }
}

/// Booting by iPXE takes two rounds: the machine's own ROM loads iPXE, and that asks again and is given the script. A
/// machine whose ROM is an iPXE, as that of a virtual machine often is, needs the second only.
extension RoutedInterface.Boot {
  fileprivate func filename(for request: DHCPMessage) -> String? {
    guard let script else { return filename }
    if request.isFromIPXE { return script }
    if let ipxeFile { return ipxeFile }
    // RFC 4578 2.1, and IANA's list that goes on where that ends; the names are those of iPXE's own build.
    guard let value = request.options[.clientArchitecture], value.count >= 2 else { return "undionly.kpxe" }
    return switch value.number16(at: 0) {
    case 0: "undionly.kpxe"
    case 11, 19: "ipxe-arm64.efi"
    default: "ipxe.efi"
    }
  }
}

extension DHCPMessage {
  /// The word stands alone, or as RFC 3004 has it behind its length.
  fileprivate var isFromIPXE: Bool {
    guard let value = options[.userClass] else { return false }
    let word = Array("iPXE".utf8)
    return value == word || value == [UInt8(word.count)] + word
  }
}
