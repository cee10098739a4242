import Impairments
import Rack

/// The table of all keys of a lab file: what each is, what it can be, and what holds without it.
///
/// The one place where that is said. `LabReader` checks a file by it, and `LabSchema.json` is for editors. What takes
/// more than one key to see (a port that the mode has not, a name that nobody has) is in `LabBuilder`.
public enum LabSchema {
  static let root: [LabKey] = [
    LabKey(
      "lab", .word(.lab), isRequired: true,
      "What everything that the lab makes belongs to. Not the name of the file."),
    LabKey("project", .word(.project), "Name or UUID of the project that the lab is in.", otherwise: "the caller's"),
    LabKey(
      "defaults", .map(defaults), "What holds for all servers and networks of the file that do not say otherwise."),
    LabKey(
      "networks", .named(.label("network"), .map(network)),
      "Virtual networks by their names in this file."),
    LabKey(
      "servers", .named(.serverKey, .map(server)),
      "Servers by hostname; web[1-50] is fifty of them, and a plain web2 beside it overrides keys of that one."),
    LabKey("addresses", .named(.label("address block"), .map(addressBlock)), "Elastic address blocks."),
    LabKey(
      "checks", .list(.map(check, oneOf: LabSchema.questions), limit: checkLimit),
      "What must be true of the lab when it runs; web[1-3] is a check of each of them."),
  ]

  static let checkLimit = 10_000

  private static let facility = "Facility, by code."
  private static let plan = "Plan, by slug."
  private static let os = "Operating system, by slug: what the server is said to run."
  private static let place =
    "Where the NICs are: host, netns (a network namespace of the server's own), netns:NAME (the one of that name), or "
    + "vm (a namespace of its own, for a virtual machine)."

  static let defaults: [LabKey] = [
    LabKey("facility", .word(.facility), facility, otherwise: "the first of the catalogue"),
    LabKey("plan", .word(.plan), plan, otherwise: "the first of the catalogue"),
    LabKey("place", .word(.place), default: "netns", place),
    LabKey("project", .word(.project), "The same as project outside of defaults."),
    LabKey("os", .word(.operatingSystem), os, otherwise: "the first of the catalogue"),
  ]

  static let network: [LabKey] = [
    LabKey("vxlan", .word(.integer(VirtualNetwork.numbers)), "VLAN number.", otherwise: "the next free one"),
    LabKey("facility", .word(.facility), "Facility that it reaches; or give metro.", otherwise: "that of defaults"),
    LabKey("metro", .word(.metro), "Metro of which it reaches all facilities; or give facility."),
    LabKey("description", .word(.description), "A line about it."),
    LabKey("tags", tags, "Words to find it by."),
  ]

  private static let tags = LabShape.list(.word(.tag), limit: Names.tagCountLimit)

  static let server: [LabKey] = [
    LabKey("plan", .word(.plan), plan, otherwise: "that of defaults"),
    LabKey("facility", .word(.facility), facility, otherwise: "that of defaults"),
    LabKey(
      "mode", .word(.mode),
      "How the two NICs hang on the network. hybrid-bonded comes about by layer3 with a network on bond0."),
    LabKey("os", .word(.operatingSystem), os, otherwise: "that of defaults"),
    LabKey("description", .word(.description), "A line about it."),
    LabKey("tags", tags, "Words to find it by."),
    LabKey("userdata", .word(.userdata), "Text for the server, as cloud-init reads it."),
    LabKey("mtu", .word(.integer(Server.mtus)), default: "\(Server.defaultMTU)", "MTU of both NICs."),
    LabKey("place", .word(.place), place, otherwise: "that of defaults"),
    LabKey(
      "nics", .map(nics), "What the interfaces are called inside the network namespace; ports keep their names."),
    LabKey(
      "configure", .word(.boolean), default: "false",
      "Toprack sets the interfaces in the network namespace up for the mode."),
    LabKey(
      "ports", .map(ports),
      "Networks on the ports, by name. A port that is not named is left alone, one that is, is whole."
    ),
    LabKey(
      "links", .map(links),
      "What is wrong with the links of its NICs. A NIC that is named is whole: what is not said of it is as usual."),
    LabKey("vm", .map(machine), "The virtual machine on the NICs, as 'toprack vm run' takes it."),
  ]

  static let links: [LabKey] = [
    LabKey("eth0", .map(link), "The link of the first NIC."), LabKey("eth1", .map(link), "The link of the second NIC."),
  ]

  static let link: [LabKey] = [
    LabKey("to-server", .map(impairment), "Of frames to the server."),
    LabKey("from-server", .map(impairment), "Of frames from the server."),
    LabKey("down", .word(.boolean), default: "false", "The cable is pulled: the NIC has no carrier."),
  ]

  static let impairment: [LabKey] = [
    LabKey("loss", .word(.percentage), default: "0%", "Of all frames, those that are lost."),
    LabKey("delay", .word(.delay), default: "0s", "How long each frame takes; it keeps the order."),
    LabKey("jitter", .word(.delay), default: "0s", "Up to so much more or less; it may change the order."),
    LabKey("reorder", .word(.percentage), default: "0%", "Frames that leave out of order."),
    LabKey("duplicate", .word(.percentage), default: "0%", "Frames that come twice."),
    LabKey("corrupt", .word(.percentage), default: "0%", "Frames of which a byte is changed."),
    LabKey("rate", .word(.rate), "Bits a second.", otherwise: "no limit"),
    LabKey("queue", .word(.queue), default: "50ms", "How long a frame waits for the rate at most."),
    LabKey(
      "seed", .word(.integer(0...Int(Impairment.seeds.upperBound))), "What the losses depend on.",
      otherwise: "others each time"),
  ]

  static let nics: [LabKey] = [
    LabKey("eth0", .word(.interface), default: "eth0", "Name of the first one's interface."),
    LabKey("eth1", .word(.interface), default: "eth1", "Name of the second one's interface."),
  ]

  static let ports: [LabKey] = [
    LabKey("bond0", .either(list: networkList, map: port), "The bond; in layer2-bonded, and in layer3 where offered."),
    LabKey("eth0", .either(list: networkList, map: port), "The first NIC; in layer2-individual."),
    LabKey("eth1", .either(list: networkList, map: port), "The second NIC; in hybrid and layer2-individual."),
  ]

  private static let networkList = LabShape.list(.word(.label("network")), limit: Rack.networksPerPortLimit)

  static let port: [LabKey] = [
    LabKey("networks", networkList, isRequired: true, "Names of networks in this file."),
    LabKey("native", .word(.label("network")), "Of several, the one that stays untagged.", otherwise: "none"),
  ]

  static let machine: [LabKey] = [
    LabKey("disk", .word(.path), "Image of a disk to boot from; relative to the file."),
    LabKey("snapshot", .word(.boolean), default: "false", "What is written to the disk is forgotten."),
    LabKey("kernel", .word(.path), "Kernel to boot; relative to the file."),
    LabKey("initrd", .word(.path), "Initial file system of the kernel; relative to the file."),
    LabKey("append", .word(.commandLine), "The kernel's command line."),
    LabKey("memory", .word(.memory), default: "512M", "Memory, with a unit."),
    LabKey("cpus", .word(.integer(1...256)), default: "1", "Processors."),
    LabKey(
      "cloud-init", .word(.boolean), default: "false",
      "Tell cloud-init in the machine the server's name, network, keys and user data, by a disk."),
    LabKey(
      "restart", .word(.oneOf(["no", "on-failure"])), default: "no", "When it is started again by itself."),
  ]

  static let addressBlock: [LabKey] = [
    LabKey(
      "size", .word(.integer(Reservation.lengths)), isRequired: true,
      "Bits of the prefix: 29 is eight addresses, 32 one."),
    LabKey("server", .word(.server), "To whom it is routed.", otherwise: "nobody"),
  ]

  static let check: [LabKey] = [
    LabKey("from", .word(.servers), "Who asks; for ping, tcp, http and deaf."),
    LabKey("server", .word(.servers), "Who is looked at; for lacp and link."),
    LabKey("ping", .word(.address), "This address answers."),
    LabKey("tcp", .word(.endpoint), "A connection to this IP:PORT comes about."),
    LabKey("http", .word(.url), "This URL answers."),
    LabKey("status", .word(.integer(100...599)), default: "200", "With this status; for http."),
    LabKey("deaf", .word(.address), "This address must not answer."),
    LabKey("lacp", .word(.oneOf(["both", "eth0", "eth1"])), "The bond has a partner on both NICs, or on one."),
    LabKey("link", .word(.oneOf(["eth0", "eth1"])), "The NIC's link is up."),
    LabKey("within", .word(.duration), default: "5s", "How long it may take to become true."),
  ]

  /// What a check can ask, each with the key that says who.
  static let questions = [
    ["from", "ping"], ["from", "tcp"], ["from", "http"], ["from", "deaf"], ["server", "lacp"], ["server", "link"],
  ]
}

/// A key: its name, what it can be, and what holds without it.
struct LabKey: Sendable {
  let name: String
  let shape: LabShape
  let isRequired: Bool
  /// As it would be written.
  let standard: String?
  /// One sentence, or two.
  let summary: String

  /// - Parameter otherwise: what holds without it, where that is no value.
  init(
    _ name: String, _ shape: LabShape, isRequired: Bool = false, default standard: String? = nil, _ summary: String,
    otherwise: String? = nil
  ) {
    (self.name, self.shape, self.isRequired, self.standard) = (name, shape, isRequired, standard)
    self.summary = summary + (otherwise.map { " Default: \($0)." } ?? "")
  }
}

/// What a value can be made of.
indirect enum LabShape: Sendable {
  case word(LabWord)
  case list(LabShape, limit: Int)
  /// These keys. `oneOf`: sets of which exactly one has to be there; the reader tells about them in words.
  case map([LabKey], oneOf: [[String]] = [])
  /// Names that the file chooses.
  case named(LabWord, LabShape)
  /// A list, or the keys of which the first is that list.
  case either(list: LabShape, map: [LabKey])
}
