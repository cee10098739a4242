import FoundationEssentials
import Glibc
import Rack
import Testing

@testable import Store

@Suite("The state directory") struct StateDirectoryTests {
  private func mode(_ path: String) -> mode_t {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & 0o777 : 0
  }

  @Test("whatever was there before: the directory is 0700 and its files 0600")
  func closed() async throws {
    let outer = TemporaryDirectory()
    let directory = outer.path + "/state"
    mkdir(directory, 0o755)
    for name in ["token", "tls-key.pem", "lock"] {
      _ = FileManager.default.createFile(atPath: "\(directory)/\(name)", contents: Data())
      chmod("\(directory)/\(name)", 0o644)
    }
    let store = try Store.open(directory)
    _ = try await store.load()
    try await store.makeCopy()
    #expect(mode(directory) == 0o700)
    let names = try FileManager.default.contentsOfDirectory(atPath: directory)
    #expect(names.contains("rack.sqlite") && names.contains("rack.sqlite-wal") && names.contains("rack.sqlite.copy"))
    for name in names { #expect(mode("\(directory)/\(name)") == 0o600, "\(name)") }
    try store.close()
  }

  @Test(
    "one that its group or others can write is refused with what to do, and left", arguments: [0o770, 0o702, 0o777])
  func writable(_ mode: mode_t) throws {
    let directory = TemporaryDirectory()
    chmod(directory.path, mode)
    let fault = #expect(throws: StoreFault.self) { try Store.open(directory.path) }
    #expect(fault?.kind == .open)
    #expect(fault?.message.contains("chmod 700 \(directory.path)") == true, "\(fault?.message ?? "")")
    #expect(self.mode(directory.path) == mode)
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
  }

  @Test("one below a directory in which everybody could exchange it is refused; a sticky one as /tmp will do")
  func exchangeable() throws {
    let outer = TemporaryDirectory()
    chmod(outer.path, 0o777)
    let fault = #expect(throws: StoreFault.self) { try Store.open(outer.path + "/state") }
    #expect(fault?.kind == .open && fault?.message.contains("chmod o-w") == true)
    #expect(access(outer.path + "/state", F_OK) != 0, "nothing is left of it")
    chmod(outer.path, 0o1777)
    try Store.open(outer.path + "/state").close()
  }

  @Test("another user's, and one with another user's file in it, are refused", .enabled(if: geteuid() == 0))
  func another() throws {
    let directory = TemporaryDirectory()
    chown(directory.path, 65_534, 65_534)
    let fault = #expect(throws: StoreFault.self) { try Store.open(directory.path) }
    #expect(fault?.kind == .open && fault?.message.contains("--state") == true)
    chown(directory.path, 0, 0)
    _ = FileManager.default.createFile(atPath: directory.path + "/token", contents: Data())
    chown(directory.path + "/token", 65_534, 65_534)
    let second = #expect(throws: StoreFault.self) { try Store.open(directory.path) }
    #expect(second?.kind == .open && second?.message.contains("/token") == true)
  }

  @Test("a symbolic link in the place of a file of ours is refused, and what it leads to is left")
  func link() throws {
    let directory = TemporaryDirectory()
    let target = TemporaryDirectory()
    symlink(target.path + "/elsewhere", directory.path + "/rack.sqlite")
    let fault = #expect(throws: StoreFault.self) { try Store.open(directory.path) }
    #expect(fault?.kind == .open)
    #expect(try FileManager.default.contentsOfDirectory(atPath: target.path).isEmpty)
  }

  @Test("the lock is waited for, and had when its holder lets go; in the end it is refused")
  func patience() throws {
    let directory = TemporaryDirectory()
    let place = StateDirectory(path: directory.path)
    let holder = try StateLock(place, patience: .zero)
    var waited = Duration.zero
    let lock = try StateLock(place, patience: .seconds(3)) { step in
      waited += step
      if waited == .seconds(1) { holder.release() }
    }
    #expect(waited == .seconds(1))
    waited = .zero
    let fault = #expect(throws: StoreFault.self) {
      try StateLock(place, patience: .seconds(3)) { waited += $0 }
    }
    #expect(fault?.kind == .locked && fault?.message.contains("another toprackd uses") == true)
    #expect(waited == .seconds(3))
    lock.release()
  }
}
