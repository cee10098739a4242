import ArgumentParser
import Testing

@testable import toprack

@Suite("Words that are no commands") struct UnknownCommandTests {
  @Test(
    "what is near is offered, by its own name; where nothing is, all that is valid",
    arguments: [
      ("servers list", "unknown command 'servers'; did you mean 'server'?"),
      ("--socket /s servers list", "unknown command 'servers'; did you mean 'server'?"),
      ("--json --url=http://x sever", "unknown command 'sever'; did you mean 'server'?"),
      ("server lst", "unknown command 'lst' of 'toprack server'; did you mean 'list'?"),
      ("server creat web1", "unknown command 'creat' of 'toprack server'; did you mean 'create'?"),
      ("server remov web1", "unknown command 'remov' of 'toprack server'; did you mean 'delete'?"),
      ("neighbors list", "unknown command 'neighbors'; did you mean 'neighbour'?"),
      ("net list", "unknown command 'net'; did you mean 'network' or 'set'?"),
      ("SERVER list", "unknown command 'SERVER'; did you mean 'server'?"),
      (
        "attach web1 eth0 1001",
        "unknown command 'attach'; did you mean 'toprack port attach' or 'toprack vm attach'?"
      ),
      ("reboot web1", "unknown command 'reboot'; did you mean 'toprack server reboot'?"),
      ("vlan list", "unknown command 'vlan'; did you mean 'network'?"),
      ("rename x y", "unknown command 'rename'; did you mean 'toprack project rename'?"),
      ("help servers", "unknown command 'servers'; did you mean 'server'?"),
      (
        "token zap x",
        "unknown command 'zap' of 'toprack token'; valid are create, list, revoke; see 'toprack token --help'"
      ),
      (
        "list",
        "unknown command 'list'; did you mean 'toprack server list' or 'toprack network list' or 'toprack ip list'?"
      ),
    ])
  func offered(_ line: String, _ message: String) {
    #expect(UnknownCommand(in: line.split(separator: " ").map(String.init))?.message == message)
  }

  @Test("a word that is near to nothing gets all commands")
  func all() {
    let message = UnknownCommand(in: ["frobnicate"])?.message
    #expect(message?.hasPrefix("unknown command 'frobnicate'; valid are status, top, server, port, ") == true)
  }

  @Test(
    "what is a command, or no command at all, is the parser's",
    arguments: [
      "", "status", "server list", "server ls", "server rm web1", "network remove 1", "project rm x", "neighbor ls",
      "ip ls", "os ls", "server", "--version", "-h", "help", "help server create", "--socket servers status",
      "server show servers", "-- servers", "---completion server servers", "server --json list", "console web1",
      "console list",
    ])
  func known(_ line: String) {
    let message = UnknownCommand(in: line.split(separator: " ").map(String.init))?.message
    #expect(message == nil)
  }

  @Test(
    "letters to put in, take away, change or swap",
    arguments: [
      ("", "", 0), ("a", "", 1), ("list", "lsit", 1), ("server", "servers", 1), ("abc", "xyz", 3), ("ca", "abc", 3),
    ])
  func distance(_ one: String, _ other: String, _ count: Int) {
    #expect(Nearest.distance(one, other) == count)
    #expect(Nearest.distance(other, one) == count)
  }

  @Test("list has ls everywhere, delete has rm and remove, remove has rm and delete")
  func aliases() {
    for group in Toprack.configuration.subcommands {
      for command in group.configuration.subcommands {
        let configuration = command.configuration
        switch configuration.commandName ?? command._commandName {
        case "list": #expect(configuration.aliases == ["ls"], "\(group._commandName)")
        // A token and a reserved block are not deleted, and who types what he knows of others gets there.
        case "revoke": #expect(configuration.aliases == ["rm", "remove", "delete"], "\(group._commandName)")
        case "release": #expect(configuration.aliases == ["rm", "remove"], "\(group._commandName)")
        case "delete": #expect(configuration.aliases == ["rm", "remove"], "\(group._commandName)")
        case "remove": #expect(configuration.aliases == ["rm", "delete"], "\(group._commandName)")
        default: #expect(configuration.aliases == [], "\(group._commandName)")
        }
      }
    }
  }
}
