import CHost
import Glibc
public import Ports

/// A program of the system that is run to its end, for what has no other interface.
///
/// It gets a plain environment, no descriptor of ours but its input and output, and the capabilities that are ambient.
/// `run` blocks.
public struct SystemProgram: Sendable {
  public let path: String

  public struct Result: Sendable {
    public let status: Int
    /// Standard output and error as they came, cut to `outputLimit`.
    public let output: String
  }

  public static let outputLimit = 65_536
  /// Silence after which it is killed.
  private static let patience: Int32 = 10_000

  /// The one at `path`, from the root.
  public init(path: String) { self.path = path }

  /// Looks for `name` in PATH, and where administrators' programs are also when PATH leaves them out.
  public init?(named name: String) {
    let directories =
      (unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "").split(separator: ":").map(String.init)
      + ["/usr/local/sbin", "/usr/sbin", "/sbin"]
    let paths = directories.filter { $0.hasPrefix("/") }.map { "\($0)/\(name)" }
    let found = paths.first { (path: String) in unsafe access(path, X_OK) == 0 }
    guard let found else { return nil }
    path = found
  }

  /// `input`: at most 60 000 bytes. `namespace` nil is the process's own.
  public func run(
    _ arguments: [String], input: String = "", in namespace: String? = nil, outputLimit: Int = Self.outputLimit
  ) throws(PortsFault) -> Result {
    var output = [CChar](repeating: 0, count: outputLimit)
    var words = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
    defer { for index in unsafe words.indices { unsafe free(words[index]) } }
    let status = try NetworkNamespaces.with(namespace) { (descriptor) throws(PortsFault) -> Int in
      try PortsFault.check(
        unsafe chost_run(descriptor, &words, input, &output, output.count, Self.patience), "running \(path)")
    }
    let text = String(decoding: output.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return Result(status: status, output: text)
  }
}
