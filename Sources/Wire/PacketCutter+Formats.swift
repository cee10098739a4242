// What the cutter knows of a frame in bytes: where things begin, and what its headers say.

extension PacketCutter {
  /// Where things begin, counted from the virtio header.
  enum Place {
    static let frame = VirtioNetHeader.size
    static let etherType = frame + 12
    static let network = frame + FrameHeader.size
  }

  /// Offsets and bits of RFC 791 3.1.
  enum IPv4 {
    static let totalLength = 2
    static let identification = 4
    static let fragment = 6
    static let checksum = 10
    static let dontFragment: UInt16 = 0x4000
    static let moreFragments: UInt16 = 0x2000
    static let offsetMask: UInt16 = 0x1FFF

    static func headerLength(_ frame: [UInt8]) -> Int { Int(frame[Place.network] & 15) * 4 }

    /// Writes the checksum of the header at `start` of `bytes`.
    static func setChecksum(of bytes: inout [UInt8], at start: Int) {
      bytes.setNumber16(0, at: start + checksum)
      let header = bytes[start..<start + Int(bytes[start] & 15) * 4]
      bytes.setNumber16(InternetChecksum.finish(PacketCutter.sum(header)), at: start + checksum)
    }
  }

  /// The virtio header, read.
  struct Offload {
    enum Kind { case none, tcp4, datagram, tcp6, udp, unknown }

    let needsChecksum: Bool
    let type: Kind
    let segmentSize: Int
    /// From the first byte of the Ethernet frame.
    let checksumStart: Int
    /// From `checksumStart`.
    let checksumOffset: Int

    /// `bytes` has at least the header.
    init(_ bytes: [UInt8]) {
      // In the byte order of the host.
      func number(at index: Int) -> Int {
        Int(UInt16(littleEndian: UInt16(bytes[index]) | UInt16(bytes[index + 1]) << 8))
      }
      needsChecksum = bytes[0] & VirtioNetHeader.needsChecksum != 0
      type =
        switch bytes[1] & ~VirtioNetHeader.ecn {
        case 0: .none
        case 1: .tcp4
        case 3: .datagram
        case 4: .tcp6
        case 5: .udp
        default: .unknown
        }
      segmentSize = number(at: 4)
      checksumStart = number(at: 6)
      checksumOffset = number(at: 8)
    }
  }

  /// What is to be known of the IP packet in a frame. Places count from the virtio header.
  struct Packet {
    let isV4: Bool
    let upperLayerType: UInt8
    let upperLayer: Int
    /// By the packet's own length; what is behind it is padding of the link.
    let end: Int
    let isFragment: Bool
    let hasSegmentsLeft: Bool

    static func isIP(_ bytes: [UInt8]) -> Bool {
      [EtherType.ipv4, EtherType.ipv6].contains(bytes.number16(at: Place.etherType))
    }

    /// Where a checksum that the network header does not cover can begin. `bytes` has at least an Ethernet header.
    static func endOfNetworkHeader(_ bytes: [UInt8]) -> Int {
      switch bytes.number16(at: Place.etherType) {
      case EtherType.ipv4:
        Place.network + max(IPv4Header.size, bytes.count > Place.network ? IPv4.headerLength(bytes) : 0)
      case EtherType.ipv6: Place.network + IPv6Header.size
      default: Place.network
      }
    }

    /// nil when it is no IP packet or a malformed one.
    init?(_ bytes: [UInt8]) {
      switch bytes.number16(at: Place.etherType) {
      case EtherType.ipv4:
        guard let header = IPv4Header(bytes[Place.network...]) else { return nil }
        isV4 = true
        end = Place.network + header.totalLength
        upperLayer = Place.network + header.headerLength
        upperLayerType = header.protocolNumber
        isFragment = header.isFragment
        hasSegmentsLeft = false
      case EtherType.ipv6:
        guard let chain = IPv6HeaderChain(bytes[Place.network...]) else { return nil }
        isV4 = false
        end = Place.network + chain.end
        upperLayer = Place.network + chain.upperLayer
        upperLayerType = chain.upperLayerType
        isFragment = chain.isFragment
        hasSegmentsLeft = chain.hasSegmentsLeft
      default: return nil
      }
    }
  }
}
