// One form that the argument parser does not have: an option whose value may be left out.

/// Rewrites arguments into forms that the parser knows.
enum CommandLineForms {
  /// The hidden flag that stands for `--netns` without a value.
  static let namespaceOfServer = "netns-named-as-server"

  /// `--netns` alone becomes a flag; `--netns=NS` stays an option with a value. What follows `--netns` is never taken for
  /// its value, so that `server create --netns web1` means the server web1. Nothing after `--` is touched, and nothing in
  /// what a completion script asks.
  static func standard(_ arguments: [String]) -> [String] {
    guard arguments.first != "---completion" else { return arguments }
    let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
    return arguments[..<end].map { $0 == "--netns" ? "--\(namespaceOfServer)" : $0 } + arguments[end...]
  }
}
