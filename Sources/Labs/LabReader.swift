import Rack

/// Reads a lab file: YAML, or the same as JSON.
///
/// ## How it works
///
///     text ──LabYAML──▶ tree with places ──--set──▶ tree ──LabSchema──▶ tree of what is right ──LabBuilder──▶ file
///
/// Each step tells its faults and goes on with what is right, so that all faults of a file are told at once. Only what
/// is no YAML ends the reading. Pure: whether a name means something in a rack is the plan's to say.
public enum LabReader {
  /// - Parameters:
  ///   - baseDirectory: absolute; paths in the file are relative to it. `nil`: there is none, and they have to be
  ///     absolute.
  ///   - settings: `PATH=VALUE` of the command line, in order.
  /// - Returns: the file, and where its things stand: keys for what is made of more than one value, else the value
  ///   itself. What a setting has put there is at line 0.
  public static func read(
    _ text: String, baseDirectory: String? = nil, settings: [(path: String, value: String)] = []
  ) -> Result<(LabFile, LabPositions), LabFaults> {
    var faults = LabFaultList()
    guard var root = LabYAML.read(text, &faults) else { return .failure(faults.result ?? Self.nothing) }
    for (path, value) in settings { LabSchema.set(path, value, in: &root, &faults) }
    let checked = LabSchema.checked(root, &faults)
    var builder = LabBuilder(baseDirectory: baseDirectory, faults)
    let file = builder.build(checked)
    if let faults = builder.faults.result { return .failure(faults) }
    return .success((file, builder.positions))
  }

  private static let nothing = LabFaults([LabFault(line: 1, column: 1, message: "the file cannot be read")])
}
