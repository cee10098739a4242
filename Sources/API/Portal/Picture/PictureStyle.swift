// The style of a picture that is a file of its own: those rules of the page's style that it uses, so that there is one.

enum PictureStyle {
  /// CSS, without markup in it.
  static let text: String = {
    let style = String(decoding: PortalAssets.all["portal.css"] ?? [], as: UTF8.self)
    let ground = "svg.rack { background: var(--surface); font-family: system-ui, \"DejaVu Sans\", sans-serif }"
    return (rules(in: style) + [ground]).joined(separator: "\n")
  }()

  /// Rules of lanes and colours, with the question for a dark ground around them, and those of the picture.
  private static func rules(in style: String) -> [String] {
    var rules: [String] = []
    var isWanted = false
    var depth = 0
    for line in style.split(separator: "\n") {
      if depth == 0 {
        let isColors = line.hasPrefix(":root") || line.hasPrefix(".lane-") || line.hasPrefix(".routed")
        isWanted = isColors || line.hasPrefix(".rack") || line.hasPrefix("@media (prefers-color-scheme")
      }
      depth += line.count { $0 == "{" } - line.count { $0 == "}" }
      if isWanted { rules.append(String(line)) }
    }
    return rules
  }
}
