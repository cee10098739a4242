// Reasons of the switch: frames that are none, ports and their VLANs, bonds, and receivers.

import Rack

extension DropCase {
  // MARK: The frame itself

  var runt: DropAdvice {
    DropAdvice(
      "a frame of \(frame.length) bytes on \(place), and an Ethernet header has 14: mend what sends it")
  }

  var truncatedTag: DropAdvice {
    DropAdvice("a frame on \(place) ends within its VLAN tag: mend what sends it")
  }

  var reservedVLAN: DropAdvice {
    let valid = server.map { $0.networks.map(\.number) } ?? []
    let what = valid.isEmpty ? "send it untagged, or with a VLAN of the port" : "send it with \(Phrase.vlans(valid))"
    return DropAdvice("a frame on \(place) is tagged with VLAN 4095, which 802.1Q reserves: \(what)")
  }

  var reservedAddress: DropAdvice {
    let group = frame.destination.map { "\($0)" } ?? "01:80:c2:00:00:00 to 0f"
    return DropAdvice(
      "\(group) is for one link alone, and no switch forwards it: nothing to change, unless servers are to see each "
        + "other's spanning tree or LLDP, which takes a tunnel")
  }

  var slowProtocol: DropAdvice {
    guard let server, server.port == .bond0 else {
      return DropAdvice(
        "LACP on \(place), which is in no bond: set the server's system up for its mode, or put the NIC into the bond",
        configuration)
    }
    return DropAdvice(
      "LACP on \(place) is tagged, or more than ten of its frames came in a second: set the bond up untagged, with one "
        + "LACPDU a second at most", configuration)
  }

  var invalidSource: DropAdvice {
    let source = frame.source.map { " \($0)" } ?? ""
    return DropAdvice(
      "the source\(source) of a frame on \(place) is a group's MAC address, or none: give the interface one of its own")
  }

  var badOffload: DropAdvice {
    let device = server?.interface ?? "the interface"
    return DropAdvice(
      "the checksum or segmentation that a frame on \(place) leaves to the switch does not fit the frame: mend the "
        + "guest's driver, or take its offloads away inside with: ethtool -K \(device) tx off tso off gso off")
  }

  // MARK: Ports and VLANs

  var noPort: DropAdvice {
    guard let server else {
      return DropAdvice(
        "\(place) belongs to no port now: nothing to change, unless it is there still", "toprack status")
    }
    guard server.isPoweredOn else {
      return DropAdvice("\(server.name) is switched off: switch it on", "toprack server power \(server.word) on")
    }
    return DropAdvice(
      "\(place) belonged to no port: it was being changed; if it goes on, put the server's NICs back",
      "toprack server repair \(server.word)")
  }

  var noVLAN: DropAdvice {
    guard let server else { return DropAdvice("no VLAN was attached to \(place)") }
    guard server.networks.isEmpty else {
      return DropAdvice("no VLAN was attached to \(server.portText), \(server.holding) now: nothing to change")
    }
    guard let number = frame.vlan.flatMap({ server.others.keys.contains($0) ? $0 : nil }) ?? server.others.keys.min()
    else {
      return DropAdvice(
        "no VLAN is attached to \(server.portText), and there is none in \(server.facility): create one, and attach it",
        "toprack network create --facility \(server.facility)")
    }
    let choice = server.others.count == 1 || frame.vlan == number ? "attach VLAN \(number)" : "attach one"
    return DropAdvice(
      "no VLAN is attached to \(server.portText): \(choice)", "toprack port attach \(server.portWords) \(number)")
  }

  var vlanNotAllowed: DropAdvice {
    let number = frame.vlan ?? 0
    guard let server else { return DropAdvice("VLAN \(number) was not on \(place)") }
    if frame.hasSecondTag, server.networks.contains(where: { $0.number == number }) {
      return DropAdvice(
        "a frame on \(place) has two VLAN tags, and without the first one it would arrive in another VLAN: give its "
          + "receiver VLAN \(number) tagged, or use an S-tag (88a8) for the inner one")
    }
    if server.networks.contains(where: { $0.number == number }) {
      return DropAdvice("VLAN \(number) was not on \(server.portText), \(server.holding) now: nothing to change")
    }
    let beginning = "VLAN \(number) is not on \(server.portText), "
    let way =
      if let untagged = server.untagged, server.tagged.isEmpty {
        "send it untagged for VLAN \(untagged)"
      } else if let first = server.tagged.first {
        "tag it with \(server.tagged.count == 1 ? "\(first)" : "one of these")"
      } else { "send it on another port" }
    let holding =
      server.networks.isEmpty
      ? server.isRouted ? "which is routed and has no VLAN" : "which has no VLAN"
      : server.tagged.isEmpty || server.untagged != nil
        ? server.holding : "which has \(Phrase.list(server.tagged.map { "\($0)" }))"
    guard let holder = server.others[number] else {
      return DropAdvice(
        "\(beginning)\(holding), and there is no VLAN \(number) in \(server.facility): create and attach it, or \(way)",
        (2...3999).contains(number)
          ? "toprack network create --vxlan \(number) --facility \(server.facility)" : nil)
    }
    let elsewhere = holder.map { " (it is on \($0.rawValue))" } ?? ""
    return DropAdvice(
      "\(beginning)\(holding)\(elsewhere): attach it, or \(way)", "toprack port attach \(server.portWords) \(number)")
  }

  var untaggedNotAllowed: DropAdvice {
    let what = frame.vlan == 0 ? "priority-tagged frame" : "untagged frame"
    guard let server, !server.networks.isEmpty else {
      return DropAdvice("\(what) on \(place), where each VLAN was tagged: make one native, or tag it")
    }
    if server.untagged != nil {
      return DropAdvice("\(what) on \(server.portText), \(server.holding) now: nothing to change")
    }
    return DropAdvice(
      "\(what) on \(server.portText), \(server.holding): make one native, or tag it",
      server.tagged.first.map { "toprack port native \(server.portWords) \($0)" })
  }

  // MARK: Bonds

  var bondStandby: DropAdvice {
    DropAdvice(
      "\(place) is a member of the bond that does not carry frames now: set the server's bond up with 802.3ad on both "
        + "NICs, or let it send by its active one alone", server.map { "toprack lacp show \($0.word)" })
  }

  // MARK: Receivers

  var samePort: DropAdvice {
    let mac = frame.destination.map { " \($0)" } ?? ""
    return DropAdvice(
      "the receiver\(mac) is on the port that the frame came in by, \(server?.portText ?? place): deliver it inside "
        + "the server; or a MAC address is there twice", server.map { "toprack fdb show --server \($0.word)" })
  }

  var noReceiver: DropAdvice {
    let number = frame.vlan.flatMap { $0 == 0 ? nil : $0 } ?? server?.untagged
    let name = number.map { "VLAN \($0)" } ?? "the VLAN"
    return DropAdvice(
      "nobody but \(server?.portText ?? place) is in \(name): attach it to the port that should hear this",
      "toprack network list")
  }

  var mtuExceeded: DropAdvice {
    let limit = server?.interfaceMTU ?? server?.mtu
    let room = limit.map { ", whose MTU is \($0)" } ?? ""
    let what = "a packet of \(frame.packetSize) bytes for \(place)\(room)"
    if let limit, limit >= frame.packetSize { return DropAdvice("\(what) now: nothing to change") }
    guard let server, frame.packetSize <= 9216 else { return DropAdvice("\(what): lower the sender's MTU") }
    return DropAdvice(
      "\(what): raise it, or lower the sender's", "toprack set mtu \(server.word) \(max(frame.packetSize, 1280))")
  }

  var linkDown: DropAdvice {
    guard let server else { return DropAdvice("the link of \(place) was down: set the interface up") }
    guard server.isPoweredOn else {
      return DropAdvice("\(server.name) is switched off: switch it on", "toprack server power \(server.word) on")
    }
    return DropAdvice(
      "the link of \(place) was down: set \(server.interface) up in its system, if it is not by now",
      server.isInNamespace
        ? "toprack server shell \(server.word) -- ip link set \(server.interface) up"
        : "ip link set \(server.interface) up")
  }

  var transmitFailed: DropAdvice {
    DropAdvice(
      "the interface of \(place) did not take the frame: look whether its system has memory left, and whether a filter "
        + "(tc, XDP) refuses frames", server.map { "toprack port show \($0.word)" })
  }

  var receiverSlow: DropAdvice {
    DropAdvice(
      "the system of \(place) takes so long for a frame that the others would wait: give it more processor time, or "
        + "take filters off that NIC", server.map { "toprack port show \($0.word)" })
  }

  // MARK: Guards

  var storm: DropAdvice {
    DropAdvice(
      "\(place) sends more broadcasts, multicasts and frames to unknown stations than storm-limit lets a NIC: look for "
        + "a loop or a broken sender in the server, or raise storm-limit in the daemon's settings",
      server.map { "toprack fdb show --server \($0.word)" })
  }

  var loopGuard: DropAdvice {
    DropAdvice(
      "\(server?.portText ?? place) is shut for a while, because what is sent into the server comes back: take the "
        + "loop out (a bridge over both NICs), then open the port", server.map { "toprack port reopen \($0.portWords)" }
    )
  }

  var impaired: DropAdvice {
    DropAdvice(
      "lost on purpose: loss or a rate is set on the link of \(place): clear it, unless it is wanted",
      server.map { "toprack link set \(ShellWord.quoted("\($0.name):\($0.nic.rawValue)")) --clear" })
  }
}
