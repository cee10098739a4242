import Foundation

/// promtool and prometheus, as `scripts/promtool` has fetched them: in TOPRACK_PROMETHEUS, else in the repository, else
/// installed.
enum Prometheus {
  static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path
  static let folder: String? = {
    let given = ProcessInfo.processInfo.environment["TOPRACK_PROMETHEUS"].map { [$0] } ?? []
    return (given + ["\(root)/.build-promtool/usr/bin", "/usr/bin"]).first {
      FileManager.default.isExecutableFile(atPath: "\($0)/promtool")
    }
  }()

  static var monitoring: String { "\(root)/docs/monitoring" }

  static func promtool(_ arguments: String..., input: String? = nil) throws -> Finished {
    let command = ["\(folder ?? "")/promtool"] + arguments
    guard let input else { return try run(command) }
    return try run(["bash", "-c", "exec \"$@\" <'\(input)'", "promtool"] + command)
  }
}
