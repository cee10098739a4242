// The daemon: reads its settings, assembles store, forwarding plane, control and API, and runs them until a signal.
//
// Order matters. Nothing of the host is touched before the state directory is locked, the socket is known to be free
// and the TCP addresses are ours, so that a second daemon cannot harm the first. Nobody is let in before the wire is as
// the state says.
//
// Exit status: 0 after a signal, 1 when it cannot run, 2 for wrong usage or settings.

import ArgumentParser
import Checks
import Control
import Dataplane
import Foundation
import Host
import Logging
import Rack

@main struct Toprackd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "toprackd",
    abstract: "The Toprack daemon: a rack's switch, and the API that controls it.",
    discussion: """
      Runs in the foreground and logs to standard error. Ends on SIGTERM or SIGINT; NICs and state stay, and the next \
      start finds them.

      Example, a rack of one's own beside the system's:
        toprackd --state /tmp/rack --socket /tmp/rack/socket --uplink none
        toprack --socket /tmp/rack/socket status

      Exit status: 0 after a signal, 1 when it cannot run, 2 for wrong usage or settings.
      """,
    version: "toprackd \(Release.version)")

  @Option(
    help: ArgumentHelp("Settings, YAML. (default: \(SettingsFile.defaultPath), if it exists)", valueName: "file"))
  var config: String?
  @Option(help: ArgumentHelp("Directory of the state. (default: \(Settings().state))", valueName: "dir"))
  var state: String?
  @Option(help: ArgumentHelp("Unix socket of the API. (default: \(Settings().socket))", valueName: "path"))
  var socket: String?
  @Option(
    parsing: .singleValue,
    help: ArgumentHelp(
      "Address of the API and the portal over TCP, for those with a token: 127.0.0.1:8443, [::1]:8443, :8080. Can be repeated.",
      valueName: "address"))
  var listen: [String] = []
  @Option(help: ArgumentHelp("Certificate for TLS at these addresses, PEM, with its chain.", valueName: "file"))
  var tlsCert: String?
  @Option(help: ArgumentHelp("The certificate's private key, PEM.", valueName: "file"))
  var tlsKey: String?
  @Flag(help: "Make a certificate for TLS in the state directory: tls-cert.pem, for clients to trust.")
  var tlsSelfSigned = false
  @Option(
    help: ArgumentHelp("One of \(Settings.logLevels). (default: \(Settings().logLevel))", valueName: "level"))
  var logLevel: String?
  @Option(
    help: ArgumentHelp(
      "text, json or journal. (default: journal as a unit of systemd, else text)", valueName: "format"))
  var logFormat: String?
  @Flag(help: "Let everybody who reaches the API read /metrics, without a token.")
  var metricsOpen = false
  @Option(
    help: ArgumentHelp(
      "Threads that forward, 1 to \(Dataplane.workerLimit); servers are shared out among them. (default: \(Settings().workers))",
      valueName: "count"))
  var workers: String?
  @Flag(help: "Look for frames without a pause: the least delay, for a core's whole time of each worker.")
  var poll = false
  @Option(
    help: ArgumentHelp(
      "TAP interface by which servers reach the host, or none. (default: \(GatewaySettings().uplink ?? "none"))",
      valueName: "name"))
  var uplink: String?

  @Flag(help: "Begin anew where the database is gone or damaged; what is there is kept under another name.")
  var newRack = false

  static func main() async {
    // What the daemon runs of itself for one question of a check.
    if CommandLine.arguments.dropFirst().first == ProbeClient.word {
      Foundation.exit(ProbeClient.run(Array(CommandLine.arguments.dropFirst(2))))
    }
    Crash.install()
    do {
      let command = try parse()
      try await command.serve()
    } catch let fault as SettingsFault {
      fail(fault.message, status: 2)
    } catch let fault as StartFault {
      // The unit starts us again at once, which is for crashes; what refuses a start does not pass so quickly.
      if ServiceManager.startedUs { try? await Task.sleep(for: refusalPause) }
      fail(fault.message, status: 1)
    } catch {
      if exitCode(for: error).isSuccess {
        print(fullMessage(for: error))
        Foundation.exit(0)
      }
      fail(message(for: error).replacing("\n", with: " ") + "; see 'toprackd --help'", status: 2)
    }
  }

  private static let refusalPause = Duration.seconds(1)

  private static func fail(_ message: String, status: Int32) -> Never {
    FileHandle.standardError.write(Data("toprackd: \(message)\n".utf8))
    Foundation.exit(status)
  }

  private func serve() async throws {
    let given = [
      "state": state, "socket": socket, "log-level": logLevel, "uplink": uplink,
      "listen": listen.isEmpty ? nil : listen.joined(separator: ","), "tls-cert": tlsCert, "tls-key": tlsKey,
      "log-format": logFormat, "metrics": metricsOpen ? "open" : nil,
      "tls-self-signed": tlsSelfSigned ? "true" : nil, "workers": workers, "poll": poll ? "true" : nil,
    ].compactMapValues(\.self)
    let settings = try await SettingsFile.settings(path: config, given: given)
    let sink = LogSink(settings.logFormat)
    LoggingSystem.bootstrap { DaemonLog(label: $0, level: settings.logLevel, sink: sink) }
    try await Daemon(settings: settings, isNewRack: newRack, logger: Logger(label: "toprackd")).run()
  }
}
