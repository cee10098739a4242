/// What is wrong with a file, and where: `FILE:LINE:COLUMN: message`.
public struct LabFault: Error, Hashable, Sendable {
  /// From 1; columns in characters. Both 0: of the file as a whole.
  public var line: Int
  public var column: Int
  /// The thing, the rule, and what would be valid; one line.
  public var message: String
  /// The known word that is nearest to an unknown one.
  public var nearest: String?

  public init(line: Int, column: Int, message: String, nearest: String? = nil) {
    (self.line, self.column, self.message, self.nearest) = (line, column, message, nearest)
  }
}

/// Where the things of a file stand. A path is made of the keys and, in lists, of the numbers from 0: `servers`, `web1`,
/// `plan`. A server of a range has the places of the range's keys.
public struct LabPositions: Hashable, Sendable {
  public struct Position: Hashable, Sendable {
    public var line: Int
    public var column: Int

    public init(line: Int, column: Int) { (self.line, self.column) = (line, column) }
  }

  private var positions: [[String]: Position] = [:]

  public init() {}

  /// Of the value, or of what it is in when it has no place of its own.
  public subscript(path: [String]) -> Position? {
    get {
      var path = path
      while positions[path] == nil, !path.isEmpty { path.removeLast() }
      return positions[path]
    }
    set { positions[path] = newValue }
  }

  /// A fault of what stands at `path`.
  public func fault(at path: [String], _ message: String, nearest: String? = nil) -> LabFault {
    let position = self[path]
    return LabFault(
      line: position?.line ?? 0, column: position?.column ?? 0, message: message, nearest: nearest)
  }
}
