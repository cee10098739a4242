// `console`: a server's console, and which there are.

import ArgumentParser
import Foundation

struct ConsoleCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "console", abstract: "Sit at a server's console; list the consoles.",
    discussion: """
      A console needs no address of the server: it is a shell in its namespace, or the serial line given by --serial.

      Examples:
        toprack console web1
        toprack console web1 --read-only
        toprack console list
      """,
    subcommands: [Open.self, List.self], defaultSubcommand: Open.self)

  @OptionGroup(title: "Connection and output") var global: GlobalOptions
}

extension ConsoleCommand {
  struct Open: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "open", abstract: "Sit at a server's console. The command when none is named.",
      discussion: """
        First comes what was said before, 64 KiB of it. One who watches has the keyboard: the first, or who takes it.

        At the start of a line:
          ~.  leave            ~t  take the keyboard
          ~?  help             ~w  who is connected
          ~B  send a break     ~~  one ~
        Ctrl-] does for ~, also in the middle of a line.

        Without a terminal, standard input goes to the console, and the end of it leaves.

        Exit status: 0 left, 1 there is no console or it has ended, 2 wrong usage, 3 toprackd not reachable.

        Examples:
          toprack console web1
          toprack console web1 --take
          echo 'ip -br addr' | toprack console web1 --no-replay
        """)

    @Argument(help: "Name, PROJECT/NAME or UUID.", completion: .servers) var server: String
    @Flag(help: "Watch, and never have the keyboard.") var readOnly = false
    @Flag(help: "Take the keyboard, whoever has it.") var take = false
    @Flag(help: "Without what was said before.") var noReplay = false
    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func validate() throws {
      if readOnly, take { throw ValidationError("--read-only and --take exclude each other") }
    }

    func run() async throws {
      let size = RawTerminal.size
      let terminal = ProcessInfo.processInfo.environment["TERM"].flatMap { $0.isEmpty ? nil : $0 }
      let connection = try await global.client.console(
        "/toprack/devices/\(Client.segment(server))/console",
        [
          "read-only": readOnly ? "true" : nil, "take": take ? "true" : nil, "replay": noReplay ? "false" : nil,
          "rows": size.map { "\($0.rows)" }, "cols": size.map { "\($0.columns)" }, "term": terminal,
        ])
      let raw = RawTerminal()
      let ending: ConsoleSession.Ending
      do {
        ending = try await ConsoleSession(connection: connection, isTerminal: raw != nil).run()
      } catch {
        ending = .ended("the connection to toprackd was lost")
      }
      RawTerminal.restore()
      if raw != nil { Output.write("\n") }
      // The thread that reads standard input cannot be told to stop.
      guard case .ended(let reason) = ending else { Foundation.exit(0) }
      throw Failure.refused(reason)
    }
  }

  struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "List consoles: where the machine is, who has the keyboard, how many watch.",
      discussion: """
        SINCE is when the shell or the serial line was opened; - while it is not there.

        Examples:
          toprack console list
          toprack console list --json | jq '.consoles[].watchers'
        """, aliases: ["ls"])

    @OptionGroup(title: "Connection and output") var global: GlobalOptions

    func run() async throws {
      let answer = try await global.client.get("/toprack/consoles")
      try global.output.print(json: try answer.value()) {
        let consoles = try answer.decoded(as: ConsoleList.self).consoles
        guard !consoles.isEmpty else { return "no server has a console: they are in namespaces, or have --serial" }
        var table = Table("SERVER", "SOURCE", "WRITER", "WATCHERS", "SINCE")
        for console in consoles {
          table.add(
            console.server, console.source, console.writer ?? "-", "\(console.watchers.count)", console.since ?? "-")
        }
        return table.text
      }
    }
  }
}

private struct ConsoleList: Decodable {
  struct Console: Decodable {
    struct Watcher: Decodable { let name: String }
    let server: String, source: String, writer: String?, watchers: [Watcher], since: String?
  }
  let consoles: [Console]
}
