// What a form sends, as the arguments that resources read.

import HTTPTypes
import Hummingbird
import NIOCore

extension Arguments {
  /// The longest form, in bytes; the longest field of ours has 64 KiB, each byte of which takes three.
  static let formLimit = 256 << 10

  /// Fields that were left empty are not given. A name that is there several times is a list.
  init(form: [UInt8], query: [String: String]) throws(APIError) {
    var places: [String: Int] = [:]
    var members: [(name: String, values: [String])] = []
    for (name, value) in try FormFields(form, of: "the form").pairs {
      guard let value, !value.isEmpty else { continue }
      if let place = places[name] {
        members[place].values.append(value)
      } else {
        places[name] = members.count
        members.append((name, [value]))
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
    let query = try Self.query(of: request)
    if let length = request.headers[.contentLength].flatMap(Self.digits), length > Self.formLimit {
      throw APIError.tooLong(limit: Self.formLimit)
    }
    let buffer: ByteBuffer
    do { buffer = try await request.body.collect(upTo: Self.formLimit) } catch is NIOTooManyBytesError {
      throw APIError.tooLong(limit: Self.formLimit)
    }
    try self.init(form: Array(buffer.readableBytesView), query: query)
  }
}
