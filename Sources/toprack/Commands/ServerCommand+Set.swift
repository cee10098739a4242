// `server set`: what is written on a server, and what may be done with it.

import ArgumentParser

extension ServerCommand {
  struct Update: AsyncParsableCommand {
    enum Lock: EnumerableFlag {
      case lock, unlock

      static func help(for value: Lock) -> ArgumentHelp? {
        value == .lock ? "Refuse to delete it." : "Let it be deleted."
      }
    }
    enum Freeze: EnumerableFlag {
      case freezeNetwork, unfreezeNetwork

      static func help(for value: Freeze) -> ArgumentHelp? {
        value == .freezeNetwork ? "Refuse to change its bond and its mode." : "Let its bond and its mode be changed."
      }
    }

    enum Setup: EnumerableFlag {
      case configure, noConfigure

      static func help(for value: Setup) -> ArgumentHelp? {
        value == .configure
          ? "Set the interfaces in its network namespace up for its mode, again after each change."
          : "Leave the interfaces in its network namespace to you; what was set up is taken away."
      }
    }

    static let configuration = CommandConfiguration(
      commandName: "set", abstract: "Change a server's name, notes and locks.",
      discussion: """
        All that is given changes at once. NICs on the host keep their names when the server gets another; --nics \
        renames those in a network namespace.

        Examples:
          toprack server set web1 --description 'front end' --tag prod --tag eu
          toprack server set web1 --hostname www1 --lock
          toprack server set web1 --customdata '{"rack": 7}'
          toprack server set n2 --nics net0,net1
        """)

    @Argument(help: "Name, PROJECT/NAME or UUID.", completion: .servers) var server: String
    @Option(help: ArgumentHelp("A new name, unique in its project.", valueName: "name")) var hostname: String?
    @Option(
      help: ArgumentHelp(
        "Unix socket or serial device of the machine's console, on the daemon's host.", valueName: "path"),
      completion: .file())
    var serial: String?
    @Flag(help: "The machine has no serial console any more.") var noSerial = false
    @OptionGroup var names: NICsOption
    @Flag(exclusivity: .exclusive) var setup: Setup?
    @OptionGroup var notes: ServerNotes
    @Flag(help: "Take all tags away.") var noTags = false
    @Flag(exclusivity: .exclusive) var lock: Lock?
    @Flag(exclusivity: .exclusive) var freeze: Freeze?
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func validate() throws {
      if noTags, !notes.tags.isEmpty { throw ValidationError("--tag and --no-tags exclude each other") }
      if serial != nil, noSerial { throw ValidationError("--serial and --no-serial exclude each other") }
      if notes.isEmpty, hostname == nil, !noTags, lock == nil, freeze == nil, serial == nil, !noSerial,
        names.nics == nil, setup == nil
      {
        throw ValidationError("nothing to set: give a name, a note, a lock, a serial console or names of NICs")
      }
    }

    func run() async throws {
      var body = try notes.members()
      if let hostname { body["hostname"] = hostname }
      if noTags { body["tags"] = [String]() }
      if let lock { body["locked"] = lock == .lock }
      if let freeze { body["network_frozen"] = freeze == .freezeNetwork }
      var own: [String: Any] = [:]
      if serial != nil || noSerial { own["serial"] = serial ?? "" }
      if let setup { own["configure"] = setup == .configure }
      if let names = names.member { own["nics"] = names }
      if !own.isEmpty { body["toprack"] = own }
      let client = try global.client
      let device = try await client.device(server)
      let changed = try await client.put("/devices/\(device.id)", body)
      let answer = setup == .configure ? try await client.configured(changed) : changed
      try global.output.print(json: try answer.value()) { try ServerText.facts(answer.decoded()) }
    }
  }
}
