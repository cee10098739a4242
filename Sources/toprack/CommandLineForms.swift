// One form that the argument parser does not have: an option whose value may be left out.

/// Rewrites arguments into forms that the parser knows.
enum CommandLineForms {
  /// The hidden option that stands for `--netns` with a value.
  static let namedNamespace = "netns-named"
  /// The hidden option that stands for `--libvirt` with a value.
  static let libvirtForm = "libvirt-form"

  /// The hidden option that stands for `--link` with a value.
  static let linkOf = "link-of"

  /// The hidden option that stands for `--watch` with a value.
  static let watchEvery = "watch-every"

  private static let valued = [
    "--netns=": namedNamespace, "--libvirt=": libvirtForm, "--link=": linkOf, "--watch=": watchEvery,
  ]

  /// `--netns` is a flag; `--netns=NS` becomes an option. What follows `--netns` is never taken for its value, so that
  /// `server create --netns web1` means the server web1. Nothing after `--` is touched, and nothing in what a
  /// completion script asks.
  static func standard(_ arguments: [String]) -> [String] {
    guard arguments.first != "---completion" else { return arguments }
    let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
    return arguments[..<end].map { argument in
      guard let (form, option) = valued.first(where: { argument.hasPrefix($0.key) }) else { return argument }
      return "--\(option)=\(argument.dropFirst(form.count))"
    } + arguments[end...]
  }
}
