// What a form sends, application/x-www-form-urlencoded (URL standard 5.1), as the arguments that resources read.

import Hummingbird
import NIOCore

extension Arguments {
  /// The longest form, in bytes; the longest field of ours has 64 KiB, each byte of which takes three.
  static let formLimit = 256 << 10

  /// Fields that were left empty are not given. A name that is there several times is a list.
  init(form: [UInt8], query: [String: String]) {
    var members: [(name: String, values: [String])] = []
    for pair in String(decoding: form, as: UTF8.self).split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        .map { PercentEncoding.decode($0.replacing("+", with: " ")) }
      guard parts.count == 2, !parts[1].isEmpty else { continue }
      if let index = members.firstIndex(where: { $0.name == parts[0] }) {
        members[index].values.append(parts[1])
      } else {
        members.append((parts[0], [parts[1]]))
      }
    }
    self.init(
      members: members.map { member in
        let value: JSON =
          member.values.count == 1 ? .string(member.values[0]) : .array(member.values.map(JSON.string))
        return JSON.Member(name: member.name, value: value)
      }, query: query)
  }

  /// Reads the form in the body of `request`.
  init(formOf request: Request) async throws {
    let buffer = try await request.body.collect(upTo: Self.formLimit)
    self.init(form: Array(buffer.readableBytesView), query: Self.query(of: request))
  }
}
