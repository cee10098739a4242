// The command line client of toprackd: reads arguments, asks the API, prints.
//
// It knows no rule of the rack. What is refused is refused by the daemon, with the daemon's own words; this program
// only turns arguments into requests and answers into tables. The exceptions are `cleanup` and `restore`, which
// work when no daemon does, and `verify`, which computes from the database what the daemon should say.
//
// Exit status: 0, 1 refused or failed, 2 usage, 3 daemon not reachable.

import ArgumentParser
import Foundation
import Rack

@main struct Toprack: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "toprack",
    abstract: "Control a Toprack rack: servers, virtual networks, and the switch between them.",
    discussion: """
      A first look:

        toprack server create web1 --netns
        toprack server mode web1 layer2-individual
        toprack network create --vxlan 1001
        toprack port attach web1 eth0 1001
        toprack port show web1

      Exit status: 0 done, 1 refused, 2 wrong usage, 3 toprackd not reachable.
      """,
    version: "toprack \(Release.version)",
    subcommands: [
      StatusCommand.self, TopCommand.self, ServerCommand.self, PortCommand.self, NetworkCommand.self, IPCommand.self,
      ProjectCommand.self, LabCommand.self, EventsCommand.self, CaptureCommand.self, DropsCommand.self,
      WaitCommand.self, ConsoleCommand.self, VMCommand.self, LinkCommand.self, LACPCommand.self, FDBCommand.self,
      MirrorCommand.self, NeighbourCommand.self, TraceCommand.self, WhyCommand.self, SetCommand.self,
      TokenCommand.self, SSHKeyCommand.self,
      UserCommand.self,
      PlanCommand.self, FacilityCommand.self, MetroCommand.self, OSCommand.self, CapacityCommand.self,
      APICommand.self, CompletionCommand.self, CleanupCommand.self, VerifyCommand.self,
      BackupCommand.self, RestoreCommand.self, ExtcapCommand.self,
    ])

  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  static func main() async {
    // A reader such as `head` may leave before everything is written; that is no error of ours.
    signal(SIGPIPE, SIG_IGN)
    do {
      let arguments = CommandLineForms.standard(ExtcapCommand.arguments(of: CommandLine.arguments))
      if let unknown = UnknownCommand(in: arguments) { throw Failure.usage(unknown.message) }
      var command = try await asyncParseAsRoot(arguments)
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    } catch {
      Failure.report(error)
    }
  }
}
