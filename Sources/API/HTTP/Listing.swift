// A list as an answer: what its elements are is known when the answer begins, and each is rendered when it is its turn
// to be written. So a long list takes the time and the memory of a piece, whoever reads it and however slowly.

import HTTPTypes
import HummingbirdCore
import NIOCore
import Synchronization

/// An array, or an object some of whose members are arrays.
struct Listing: Sendable {
  /// A piece ends when it is so long; it is longer by a part of an element.
  static let pieceSize = UntakenAnswers.pieceSize
  /// A list of up to so many bytes is one answer with its length.
  static let wholeSize = 256 << 10
  /// What a longer one is counted as while it is taken: a piece that is ready, and one on its way.
  static let share = 2 * pieceSize

  /// Things that are not rendered yet.
  struct Elements: Sendable {
    let count: Int
    /// Begins an answer: renders the element of a number.
    let begin: @Sendable () -> (Int) -> JSON
  }

  enum Value: Sendable {
    case elements(Elements)
    case json(JSON)
  }

  fileprivate enum Part: Sendable {
    case text([UInt8])
    case elements(Elements)
  }

  fileprivate let parts: [Part]

  /// An object with these members, in their order.
  init(_ members: KeyValuePairs<String, Value>) {
    var parts: [Part] = []
    for (index, member) in members.enumerated() {
      var text = Array((index == 0 ? "{" : ",").utf8) + JSON.string(member.key).text + [UInt8(ascii: ":")]
      switch member.value {
      case .elements(let elements): parts += [.text(text), .elements(elements)]
      case .json(let value):
        value.write(to: &text)
        parts.append(.text(text))
      }
    }
    self.parts = parts + [.text(Array("}".utf8))]
  }

  init(array elements: Elements) { parts = [.elements(elements)] }
}

extension Reply {
  /// An object with lists.
  static func list(_ members: KeyValuePairs<String, Listing.Value>) -> Reply {
    Reply(status: .ok, body: .list(Listing(members)))
  }

  /// A list alone.
  static func list(_ elements: Listing.Elements) -> Reply { Reply(status: .ok, body: .list(Listing(array: elements))) }
}

extension Call {
  /// The elements of a list, as they are in `view`.
  func elements<Element: Sendable>(
    _ all: [Element], _ view: View, _ render: @escaping @Sendable (Renderer, Element) -> JSON
  ) -> Listing.Elements {
    Listing.Elements(count: all.count) {
      let renderer = renderer(view)
      return { render(renderer, all[$0]) }
    }
  }
}

/// The text of a listing as it comes about.
///
/// Threads: safe to share; one at a time uses it.
final class ListingText: Sendable {
  private struct State {
    /// Rendered and not taken.
    var ready: [UInt8] = []
    var part = 0
    var element = 0
    /// Elements of all parts that have been rendered.
    var rendered = 0
    var render: ((Int) -> JSON)?
  }

  private let parts: [Listing.Part]
  /// Elements of all parts.
  private let count: Int
  private let state = Mutex(State())

  init(_ listing: Listing) {
    parts = listing.parts
    count = parts.reduce(0) { if case .elements(let elements) = $1 { $0 + elements.count } else { $0 } }
  }

  /// Whether all of it will be about as short as one answer is, by what is ready.
  var isShort: Bool {
    state.withLock { $0.ready.count < Listing.wholeSize && $0.ready.count * count <= Listing.wholeSize * $0.rendered }
  }

  /// Renders a further piece; false: that was the last.
  func renderPiece() -> Bool {
    state.withLock { state in
      let end = state.ready.count + Listing.pieceSize
      while state.ready.count < end, state.part < parts.count {
        switch parts[state.part] {
        case .text(let text):
          state.ready += text
          state.part += 1
        case .elements(let elements): step(elements, &state)
        }
      }
      return state.part < parts.count
    }
  }

  /// One element, or the end.
  private func step(_ elements: Listing.Elements, _ state: inout State) {
    if state.element == 0 { state.ready.append(UInt8(ascii: "[")) }
    guard state.element < elements.count else {
      state.ready.append(UInt8(ascii: "]"))
      (state.part, state.element, state.render) = (state.part + 1, 0, nil)
      return
    }
    let render = state.render ?? elements.begin()
    state.render = render
    if state.element > 0 { state.ready.append(UInt8(ascii: ",")) }
    render(state.element).write(to: &state.ready)
    state.element += 1
    state.rendered += 1
  }

  /// What is ready and has not been taken.
  func take() -> [UInt8] {
    state.withLock { state in
      defer { state.ready = [] }
      return state.ready
    }
  }
}

extension UntakenAnswers {
  /// The body for a list: all of it when it is short; otherwise its beginning, and then a piece whenever one has been
  /// taken. Others have their turn between two pieces. Throws when nobody waits for the answer.
  func body(
    _ listing: Listing, for caller: Caller, _ turn: Turn, isWanted: @escaping @Sendable () -> Bool
  ) async throws -> ResponseBody {
    let text = ListingText(listing)
    while true {
      if !text.renderPiece() { return body(text.take(), for: caller) }
      if !text.isShort { break }
      await Task.yield()
      if !isWanted() { throw CancellationError() }
    }
    let lease = take(Listing.share, caller)
    return ResponseBody { writer in
      defer { withExtendedLifetime(lease) {} }
      var goesOn = true
      while true {
        try await writer.write(ByteBuffer(bytes: text.take()))
        if !goesOn { return try await writer.finish(nil) }
        await Task.yield()
        if !isWanted() { throw CancellationError() }
        goesOn = await turn.working { text.renderPiece() }
      }
    }
  }
}
