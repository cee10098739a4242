// The compiler's word that nothing a frame meets here allocates, locks or counts references: in a release build it
// rejects anything reachable from these functions that does, and names the line. The attribute is underscored, so it
// stays in this one file of the module. Benchmarks/ has the allocation count of the assembled loop beside it.

#if HOT_PATH_PROOF
  import Wire

  @_noLocks func proveDecide(
    _ plane: inout Switch, _ header: FrameHeader, _ nic: NICIndex, _ now: UInt32
  ) -> Verdict {
    plane.forward(header, from: nic, at: now)
  }

  @_noLocks func proveFlood(
    _ plane: borrowing Switch, _ header: FrameHeader, _ domain: DomainIndex, _ port: PortIndex
  ) -> Int {
    var place = 0
    var receivers = 0
    while let receiver = plane.nextReceiver(of: header, flowHash: 1, in: domain, from: port, place: place) {
      place = receiver.next
      receivers &+= 1
    }
    return receivers
  }

  @_noLocks func proveFloodMeter(_ meter: inout FloodMeter, _ nic: NICIndex, _ now: UInt32) -> FloodMeter.Reading {
    meter.count(nic, at: now)
  }

  @_noLocks func proveArrival(_ plane: borrowing Switch, _ header: FrameHeader, _ nic: NICIndex) -> Int {
    plane.arrival(of: header, from: nic)?.port.value ?? 0
  }

  @_noLocks func proveMoves(_ stations: inout StationTable) -> Bool { stations.hasMoves && stations.nextMove() != nil }

  @_noLocks func proveEgress(_ plane: borrowing Switch, _ port: PortIndex) -> Verdict { plane.egress(by: port) }

  @_noLocks func proveMTU(_ plane: borrowing Switch, _ nic: NICIndex) -> Int { plane.mtu(of: nic) }

  @_noLocks func proveTagEdits(_ frame: inout FrameBuffer, _ tag: UInt16) {
    frame.pushTag(tag)
    frame.rewriteTag(tag)
    frame.popTag()
  }
#endif
