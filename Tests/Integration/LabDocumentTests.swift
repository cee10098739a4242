import Foundation
import Testing

/// What docs/testing-labs.md shows is what is run here.
extension Integration {
  @Suite("Labs in tests, as documented") struct LabDocumentTests {
    /// The blocks of a language in the document.
    private func blocks(_ language: String) throws -> [String] {
      let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "docs/testing-labs.md")
      let text = try String(contentsOf: path, encoding: .utf8)
      return text.components(separatedBy: "```\(language)\n").dropFirst().compactMap {
        $0.components(separatedBy: "\n```").first
      }
    }

    /// A directory with the lab, and with the tool that talks to the lab's daemon in `bin`.
    private func prepare(_ lab: Lab) throws -> (directory: String, environment: [String: String]) {
      let directory = "\(lab.daemon.directory)/project"
      let files = FileManager.default
      try files.createDirectory(atPath: directory, withIntermediateDirectories: true)
      try files.copyItem(
        atPath: "\(LabTests.examples)/hybrid-web-db.toprack.yml", toPath: "\(directory)/hybrid-web-db.toprack.yml")
      let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
      return (
        directory,
        ["PATH": "\(Daemon.binaries):\(path)", "TOPRACK_SOCKET": lab.daemon.socket, "PYTHONDONTWRITEBYTECODE": "1"]
      )
    }

    @Test("the pytest of the document passes")
    func pytest() throws {
      let lab = try Lab()
      let (directory, environment) = try prepare(lab)
      let test = try #require(try blocks("python").first)
      try test.write(
        toFile: "\(directory)/test_shop.py", atomically: true, encoding: .utf8)
      let finished = try run(
        [
          "python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", directory,
          "\(directory)/test_shop.py",
        ]
        .inDirectory(directory), environment: environment, limit: .seconds(120))
      #expect(finished.status == 0 && finished.text.contains("1 passed"), "\(finished.text)\(finished.errors)")
      #expect(try lab.toprack.json("server", "list").array?.isEmpty == true)
    }

    @Test("the steps of the document's workflow pass")
    func workflow() throws {
      let lab = try Lab()
      defer { _ = try? lab.toprack("lab", "destroy", "shop", "--yes") }
      let (directory, environment) = try prepare(lab)
      let steps = try #require(try blocks("yaml").first).components(separatedBy: "- name: ").dropFirst()
        .filter { $0.contains("run: |\n") }
      #expect(steps.count == 2)
      for step in steps {
        let lines = step.components(separatedBy: "run: |\n")[1].split(separator: "\n").filter {
          $0.hasPrefix("          ")
        }
        .map { $0.trimmingCharacters(in: .whitespaces) }
        let finished = try run(
          ["bash", "-ec", lines.joined(separator: "\n")].inDirectory(directory), environment: environment,
          limit: .seconds(120))
        #expect(finished.status == 0, "\(step)\(finished.text)\(finished.errors)")
      }
    }
  }
}

extension [String] {
  fileprivate func inDirectory(_ directory: String) -> [String] { ["env", "-C", directory] + self }
}
