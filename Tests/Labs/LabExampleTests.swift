import Foundation
import Labs
import Rack
import Testing

@Suite("The labs of docs/labs, and the schema") struct LabExampleTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../docs/labs")

  @Test(
    "each is right, and the same when it is written and read again",
    arguments: [("hybrid-web-db", 3), ("firewall", 4), ("every-mode", 5), ("three-facilities", 50)])
  func labs(_ name: String, _ servers: Int) throws {
    let text = try String(contentsOf: Self.folder.appending(path: "\(name).toprack.yml"), encoding: .utf8)
    let file = try LabReading.file(text, baseDirectory: nil)
    #expect(file.servers.count == servers)
    #expect(!file.checks.isEmpty)
    #expect(try LabReading.file(LabWriter.yaml(file), baseDirectory: nil) == file)
    #expect(text.hasPrefix("# yaml-language-server: $schema=lab.schema.json\n"))
  }

  @Test("every file there is one of them")
  func all() throws {
    let names = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path).sorted()
    #expect(
      names == [
        "every-mode.toprack.yml", "firewall.toprack.yml", "hybrid-web-db.toprack.yml", "lab.schema.json",
        "three-facilities.toprack.yml",
      ])
  }

  @Test("the schema beside them is that of the table")
  func schema() throws {
    let file = Self.folder.appending(path: "lab.schema.json")
    if ProcessInfo.processInfo.environment["TOPRACK_WRITE_SCHEMA"] != nil {
      try LabSchema.json.write(to: file, atomically: true, encoding: .utf8)
    }
    #expect(try String(contentsOf: file, encoding: .utf8) == LabSchema.json)
  }

  @Test("the schema is JSON, says something about each key, and has no key twice")
  func keys() throws {
    let schema = try #require(try JSONSerialization.jsonObject(with: Data(LabSchema.json.utf8)) as? [String: Any])
    var described = 0
    func visit(_ value: Any) {
      if let members = value as? [String: Any] {
        for (name, property) in members["properties"] as? [String: Any] ?? [:] {
          let text = (property as? [String: Any])?["description"] as? String
          #expect(text?.hasSuffix(".") == true, "\(name)")
          described += 1
        }
        members.values.forEach(visit)
      } else if let items = value as? [Any] {
        items.forEach(visit)
      }
    }
    visit(schema)
    #expect(described > 50)
    let vlan = #"""
      "vxlan": {
      """#
    #expect(LabSchema.json.contains(vlan))
    #expect(LabSchema.json.contains("\"minimum\": 2,") && LabSchema.json.contains("\"maximum\": 3999"))
  }
}
