// The first two steps of the cutter: a super-frame becomes segments with headers and checksums of their own.

extension PacketCutter {
  /// A super-frame on its way to segments.
  struct Segmentation {
    let bytes: [UInt8]
    let packet: Packet
    let size: Int
    /// From the virtio header to the end of the TCP or UDP header.
    let headers: Int
    let count: Int

    init?(_ bytes: [UInt8], _ packet: Packet, _ offload: Offload) {
      let isUDP = offload.type == .udp
      guard offload.segmentSize > 0, !packet.isFragment, !packet.hasSegmentsLeft,
        packet.end - packet.upperLayer >= (isUDP ? UDPHeader.size : TCPHeader.size)
      else { return nil }
      let length = isUDP ? UDPHeader.size : TCPHeader.size(bytes[packet.upperLayer + TCPHeader.Field.dataOffset])
      guard length >= (isUDP ? UDPHeader.size : TCPHeader.size), length <= packet.end - packet.upperLayer else {
        return nil
      }
      if offload.needsChecksum {
        guard Place.frame + offload.checksumStart == packet.upperLayer,
          offload.checksumOffset == (isUDP ? UDPHeader.Field.checksum : TCPHeader.Field.checksum)
        else { return nil }
      }
      headers = packet.upperLayer + length
      size = offload.segmentSize
      count = max(1, (packet.end - headers + size - 1) / size)
      guard count <= PacketCutter.segmentLimit else { return nil }
      self.bytes = bytes
      self.packet = packet
    }

    /// Segment `index` as a frame with an empty virtio header and right checksums.
    subscript(_ index: Int) -> [UInt8] {
      let from = headers + index * size
      let to = min(from + size, packet.end)
      var frame = [UInt8](repeating: 0, count: Place.frame)
      frame.reserveCapacity(headers + to - from)
      frame += bytes[Place.frame..<headers]
      frame += bytes[from..<to]

      let network = Place.network
      if packet.isV4 {
        frame.setNumber16(UInt16(frame.count - network), at: network + IPv4.totalLength)
        let identification = frame.number16(at: network + IPv4.identification)
        frame.setNumber16(identification &+ UInt16(index), at: network + IPv4.identification)
        IPv4.setChecksum(of: &frame, at: network)
      } else {
        frame.setNumber16(UInt16(frame.count - network - IPv6Header.size), at: network + 4)
      }
      if packet.upperLayerType == ProtocolNumber.udp {
        frame.setNumber16(UInt16(frame.count - packet.upperLayer), at: packet.upperLayer + UDPHeader.Field.length)
        setChecksum(of: &frame, at: packet.upperLayer + UDPHeader.Field.checksum)
      } else {
        setSequence(of: &frame, index)
        setChecksum(of: &frame, at: packet.upperLayer + TCPHeader.Field.checksum)
      }
      return frame
    }

    /// CWR is said once, and FIN and PSH are about the last byte.
    private func setSequence(of frame: inout [UInt8], _ index: Int) {
      let sequence = packet.upperLayer + TCPHeader.Field.sequence
      frame.setNumber32(frame.number32(at: sequence) &+ UInt32(index * size), at: sequence)
      if index > 0 { frame[packet.upperLayer + TCPHeader.Field.flags] &= ~TCPHeader.Flags.cwr.rawValue }
      if index < count - 1 {
        frame[packet.upperLayer + TCPHeader.Field.flags] &= ~TCPHeader.Flags([.fin, .psh]).rawValue
      }
    }

    private func setChecksum(of frame: inout [UInt8], at field: Int) {
      frame.setNumber16(0, at: field)
      let network = Place.network
      let addresses = packet.isV4 ? network + 12..<network + 20 : network + 8..<network + 40
      let length = frame.count - packet.upperLayer
      let pseudoHeader = PacketCutter.sum(frame[addresses], adding: UInt32(packet.upperLayerType) + UInt32(length))
      let checksum = InternetChecksum.finish(PacketCutter.sum(frame[packet.upperLayer...], adding: pseudoHeader))
      frame.setNumber16(checksum == 0 && packet.upperLayerType == ProtocolNumber.udp ? 0xFFFF : checksum, at: field)
    }
  }
}
