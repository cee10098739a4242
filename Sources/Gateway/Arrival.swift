import Net
import Switching
import Wire

/// A packet for the slow path with its frame taken apart.
struct Arrival {
  let ingress: PortIndex
  let nic: NICIndex
  /// Addresses of the frame; nil when the worker has made it ready for its way out already, so that they are not the sender's.
  let link: (source: MACAddress, destination: MACAddress)?
  let etherType: UInt16
  /// NEEDS_CSUM: the transport checksum is still to be made, and says nothing.
  var isUnfinished: Bool
  /// Was in fragments.
  var isReassembled = false
  /// From the version octet on; there may be padding behind it.
  var packet: ArraySlice<UInt8>

  /// `isReady`: ready for its way out. `nil`: no whole Ethernet header.
  init?(_ bytes: [UInt8], ingress: PortIndex, nic: NICIndex, isReady: Bool = false) {
    let frame = VirtioNetHeader.size
    guard bytes.count >= frame + FrameHeader.size else { return nil }
    (self.ingress, self.nic) = (ingress, nic)
    link = isReady ? nil : (bytes.macAddress(at: frame + 6), bytes.macAddress(at: frame))
    etherType = bytes.number16(at: frame + 12)
    isUnfinished = bytes[0] & 1 != 0
    packet = bytes[(frame + FrameHeader.size)...]
  }

  /// To a group, at the link.
  var isToGroup: Bool { link?.destination.isGroup ?? false }
  /// Where an answer can go when there is no better knowledge.
  var sourceMAC: MACAddress? { link.flatMap { $0.source.isValidSource ? $0.source : nil } }
}
