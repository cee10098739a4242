public import FoundationEssentials
import Host
import Ports
public import Rack

/// Sets the interfaces in a server's namespace up with ip(8), as an administrator inside would.
///
/// What is there is looked at, and the difference to what is wanted is given to `ip -batch`, until there is none. What
/// the kernel does not have (`Unknown device type`) is left out the next time round; nothing is remembered of that,
/// since a module may be loaded later.
///
/// ## Threads
/// Calls block, for some ten milliseconds, and for as long as ip(8) may take. They are for a thread of one's own.
public struct GuestConfigurator: Sendable {
  public struct Report: Hashable, Sendable {
    /// What is set up now, and what the kernel lacks for it; empty when nothing is.
    public var summary = ""
    /// Why it is not as it should be, and what to do.
    public var fault: String?
  }

  /// Looks before it gives up: one for each ability that is lacking, and one for what changes meanwhile.
  private static let rounds = 6
  /// Of what ip(8) prints of a namespace's interfaces; some thousands.
  private static let outputLimit = 8 << 20
  /// Bytes of lines for one `ip -batch`, which must fit a pipe.
  private static let batchLimit = 48 << 10

  private let marks: OwnershipMarks

  public init(rack: UUID) { marks = OwnershipMarks(rack: rack) }

  /// The alias of what is made for a server.
  public func mark(of server: ServerID) -> String { marks.configurationMark(server) }

  /// Makes the namespace of `server` fit its mode.
  public func configure(_ server: Server, in rack: Rack) -> Report {
    guard let namespace = server.place.namespace, server.isPoweredOn else { return Report() }
    do {
      return Report(
        summary: try bring(namespace, of: server, isGone: false) { names, abilities in
          GuestNetwork(of: server, in: rack, names: names, abilities: abilities)
        })
    } catch {
      return Report(fault: "\(error)")
    }
  }

  /// Takes away what was made for `server`. `isGone`: its NICs are, with all that was on them.
  public func clear(_ server: Server, isGone: Bool) {
    guard let namespace = server.place.namespace, NetworkNamespaces.exists(namespace) else { return }
    _ = try? bring(namespace, of: server, isGone: isGone) { _, _ in .none }
  }

  private func bring(
    _ namespace: String, of server: Server, isGone: Bool, _ wanted: (NICNames, KernelAbilities) -> GuestNetwork
  ) throws -> String {
    guard let ip = SystemProgram(named: "ip") else {
      throw Fault("ip is not here: apt-get install iproute2")
    }
    var abilities = KernelAbilities()
    var last = ""
    for _ in 0..<Self.rounds {
      let seen = try look(namespace, ip)
      let names = names(of: server, in: seen)
      let network = wanted(names, abilities)
      let change = GuestChange(
        from: seen, to: network, mark: mark(of: server.id), nics: isGone ? [] : [names.eth0, names.eth1])
      if !change.faults.isEmpty {
        throw Fault("\(change.faults.joined(separator: "; ")) (network namespace \(namespace))")
      }
      if change.lines.isEmpty {
        return ([network.summary] + GuestChange.remarks(on: seen, network)).joined(separator: "; ")
      }
      last = change.lines[0]
      guard let failure = try run(change.lines, namespace, ip) else { continue }
      last = failure.line
      if failure.isUnsupported, failure.line.contains(" type bond "), abilities.bonding {
        abilities.bonding = false
      } else if failure.isUnsupported, failure.line.contains(" type vlan "), abilities.vlans {
        abilities.vlans = false
      } else {
        throw Fault("ip \(failure.line): \(failure.text) (network namespace \(namespace))")
      }
    }
    throw Fault("it does not stay as it is set in network namespace \(namespace): \(last); something else sets it, too")
  }

  /// The NICs carry the rack's mark, however they are called; one without is called as it was made.
  private func names(of server: Server, in seen: SeenNetwork) -> NICNames {
    func name(_ nic: PortName) -> String {
      seen.links.first { $0.alias == marks.mark(server.id, nic) }?.name ?? server.nicNames[nic]
    }
    return NICNames(eth0: name(.eth0), eth1: name(.eth1))
  }

  private func look(_ namespace: String, _ ip: SystemProgram) throws -> SeenNetwork {
    func ask(_ words: String...) throws -> String {
      let result = try ip.run(words, in: namespace, outputLimit: Self.outputLimit)
      guard result.status == 0 else { throw Fault("ip \(words.joined(separator: " ")): \(Self.line(result.output))") }
      return result.output
    }
    let texts = (
      try ask("-j", "-d", "address", "show"), try ask("-j", "route", "show"), try ask("-j", "-6", "route", "show")
    )
    do {
      return try SeenNetwork(addresses: texts.0, routes: [texts.1, texts.2])
    } catch {
      throw Fault("network namespace \(namespace) has more interfaces than can be looked at, or ip is too old for -j")
    }
  }

  private struct Failure {
    let line: String
    let text: String
    /// The kernel does not know that kind of interface.
    var isUnsupported: Bool { text.contains("Unknown device type") || text.contains("Operation not supported") }
  }

  /// Runs `lines` until one fails. `nil`: all were done.
  private func run(_ lines: [String], _ namespace: String, _ ip: SystemProgram) throws -> Failure? {
    var rest = lines[...]
    while !rest.isEmpty {
      var size = 0
      let some = rest.prefix { line in
        size += line.utf8.count + 1
        return size <= Self.batchLimit
      }
      rest = rest.dropFirst(some.count)
      let result = try ip.run(["-batch", "-"], input: some.joined(separator: "\n") + "\n", in: namespace)
      if result.status == 0 { continue }
      // "Error: Unknown device type.\nCommand failed -:1"
      let number = result.output.split(separator: ":").last.flatMap { Int($0.prefix(while: \.isNumber)) } ?? 1
      let line = some.indices.contains(some.startIndex + number - 1) ? some[some.startIndex + number - 1] : some.first!
      return Failure(line: line, text: Self.line(result.output))
    }
    return nil
  }

  /// The first line of a program's complaint.
  private static func line(_ text: String) -> String {
    let lines = text.split(whereSeparator: \.isNewline)
    return String((lines.first ?? "it failed").prefix(200))
  }

  private struct Fault: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }
}
