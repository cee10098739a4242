import Control
import Foundation
import HTTPTypes
import Rack
import Testing

@testable import API

@Suite("Backups and the first token") struct BackupRouteTests {
  @Test("a backup is for those who may do everything")
  func access() async throws {
    func call(_ scope: Access.Scope, readOnly: Bool = false) throws -> Call {
      Call(
        prefix: "", path: "/toprack/backup", parameters: [:], arguments: try Arguments(body: [], query: [:]),
        access: Access(scope: scope, isReadOnly: readOnly, by: "test"), keeper: RackAlone())
    }
    let file = try await call(.all).backup()
    #expect(file.size == RackAlone.backup.count)
    #expect(try file.read(from: 149_000, count: 5000) == Array(RackAlone.backup.suffix(1000)))
    for (scope, readOnly) in [(Access.Scope.project(ProjectID(UUID())), false), (.none, false), (.all, true)] {
      let error = await #expect(throws: APIError.self) { try await call(scope, readOnly: readOnly).backup() }
      #expect(error?.status == .forbidden)
    }
  }

  @Test("a first token that is there is not written over: it opens the rack, and what is no token is refused")
  func firstToken() async throws {
    let directory = FileManager.default.temporaryDirectory.path + "/toprack-first-\(UUID())"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let first = FirstToken(in: directory)
    let keeper = RackAlone()
    try Data("of somebody\n".utf8).write(to: URL(fileURLWithPath: first.path))
    await #expect(throws: FirstToken.Fault.self) { try await first.make(in: keeper) }
    #expect(try String(contentsOfFile: first.path, encoding: .utf8) == "of somebody\n")
    #expect(await keeper.rack.tokens.isEmpty)

    let text = TokenText.make()
    try Data((text + "\n").utf8).write(to: URL(fileURLWithPath: first.path))
    #expect(try await first.make(in: keeper))
    #expect(try String(contentsOfFile: first.path, encoding: .utf8) == text + "\n")
    #expect(TokenText.token(text, among: await keeper.rack.tokens.values) != nil)
  }

  @Test("a certificate and a date of before 1970 are made like any other")
  func early() throws {
    let early = Date(timeIntervalSince1970: -300_000_000)
    #expect(HTTPDate.text(early) == "Wed, 29 Jun 1960 18:40:00 GMT")
    let directory = FileManager.default.temporaryDirectory.path + "/toprack-early-\(UUID())"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let certificate = SelfSignedCertificate(in: directory, for: SelfSignedCertificate.Names([]), now: early)
    #expect(try certificate.identity().isNew)
    #expect(try !certificate.identity().isNew)
  }
}
