// `api METHOD PATH [BODY]`: any request, for what no other command does.

import ArgumentParser
import Foundation
import NIOHTTP1

struct APICommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "api", abstract: "Send a request to the API, and print the answer's JSON as it comes.",
    discussion: """
      The whole API is described at /openapi.yaml.

      Examples:
        toprack api GET /projects
        toprack api GET '/devices/UUID?include=plan' | jq .plan.slug
        toprack api PUT /devices/UUID '{"always_pxe": true}'
        toprack api POST /projects/UUID/devices @device.json
      """)

  enum Method: String, ExpressibleByArgument, CaseIterable {
    case get = "GET"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"

    /// In either case.
    init?(argument: String) { self.init(rawValue: argument.uppercased()) }
  }

  @Argument(help: "GET, POST, PUT, PATCH or DELETE.") var method: Method
  @Argument(help: "With what follows '?', if anything; /metal/v1 in front is optional.") var path: String
  @Argument(help: ArgumentHelp("JSON, or @FILE with JSON in it (@-: standard input).", valueName: "body"))
  var body: String?
  @OptionGroup(title: "Connection and output") var global: GlobalOptions

  func validate() throws {
    guard path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw ValidationError("the path '\(path)' has characters that must be written as %XX")
    }
  }

  func run() async throws {
    let body = try body.map { Data(try TextSource.argument($0).utf8) }
    let path = path.hasPrefix("/") ? path : "/" + path
    let answer = try await global.client.send(HTTPMethod(rawValue: method.rawValue), path, body: body)
    let text = String(decoding: answer.data, as: UTF8.self)
    let isJSON = (try? answer.value()) != nil
    if isJSON { Output.writeUnchanged(JSONText.harmless(text)) } else { Output.write(text) }
  }
}
