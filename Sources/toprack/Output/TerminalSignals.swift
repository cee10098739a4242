import Foundation

/// The signals that concern a program which has the terminal to itself: its window changes, or something ends it.
///
/// Threads: both closures are called on a queue of their own.
enum TerminalSignals {
  /// Whoever keeps what is returned is told. `ended` gets the exit status that says by which signal, and does not return
  /// to what went on.
  static func watch(
    resized: @escaping @Sendable () -> Void, ended: @escaping @Sendable (Int32) -> Void
  ) -> [any DispatchSourceSignal] {
    func watch(_ number: Int32, _ body: @escaping @Sendable () -> Void) -> any DispatchSourceSignal {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler(handler: DispatchWorkItem(block: body))
      source.resume()
      return source
    }
    return [watch(SIGWINCH, resized)]
      + [SIGTERM, SIGHUP, SIGINT].map { number in watch(number) { ended(128 + number) } }
  }
}
