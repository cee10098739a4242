// Options of every command, accepted before and after the command's name.

import ArgumentParser
import Foundation

struct GlobalOptions: ParsableArguments {
  static let defaultSocket = "/run/toprack/toprack.sock"

  @Option(
    help: ArgumentHelp(
      "Unix socket of toprackd. (default: $TOPRACK_SOCKET, else \(Self.defaultSocket))", valueName: "path"))
  var socket: String?

  @Option(help: ArgumentHelp("Base URL of an API that listens on TCP, instead of a socket.", valueName: "url"))
  var url: String?

  @Option(
    help: ArgumentHelp("Token for the API, sent as X-Auth-Token. (default: $TOPRACK_TOKEN)", valueName: "token"))
  var token: String?

  @Flag(help: "Print JSON instead of tables: objects of the API as the API has them.")
  var json = false

  func validate() throws {
    if url != nil, socket != nil { throw ValidationError("--url and --socket exclude each other") }
    if let url, !(url.hasPrefix("http://") || url.hasPrefix("https://")) {
      throw ValidationError("--url '\(url)' must begin with http:// or https://")
    }
  }

  var client: Client {
    let environment = ProcessInfo.processInfo.environment
    let token = token ?? environment["TOPRACK_TOKEN"]
    if let url { return Client(.url(url), token: token) }
    return Client(.socket(socket ?? environment["TOPRACK_SOCKET"] ?? Self.defaultSocket), token: token)
  }

  var output: Output { Output(json: json) }
}
