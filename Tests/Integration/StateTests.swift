import Foundation
import Glibc
import Testing

extension Integration {
  @Suite("State: backup, restore, and what is left without") struct StateTests {
    @Test("a backup while the daemon works, put back after its database is lost, is the rack as it was")
    func backup() throws {
      let lab = try Lab()
      try lab.networks(100)
      let a = try lab.individual("a", 100)
      let b = try lab.individual("b", 100)
      let before = try lab.configuration()
      let interfaces = try Interface.list(in: a.namespace)
      let file = "\(lab.daemon.directory)/backup"
      try lab.toprack("backup", file)
      #expect(try mode(file) == 0o600)
      let again = try lab.toprack.attempt(["backup", file])
      #expect(again.status == 1 && again.errors.contains("--force"), "\(again.errors)")
      try lab.toprack("backup", file, "--force")
      let running = try lab.toprack.attempt(["restore", file, "--state", lab.daemon.state])
      #expect(running.status == 1 && running.errors.contains("another toprackd"), "\(running.errors)")

      #expect(try lab.daemon.stop() == 0)
      for suffix in ["", "-wal", "-shm"] { unlink("\(lab.daemon.state)/rack.sqlite\(suffix)") }
      let refused = try lab.daemon.rival()
      #expect(refused.status == 1)
      #expect(refused.errors.contains("--new-rack") && refused.errors.contains("toprack restore"), "\(refused.errors)")
      #expect(try Interface.list(in: a.namespace).map(\.index) == interfaces.map(\.index), "nothing was touched")

      try lab.toprack("restore", file, "--state", lab.daemon.state)
      try lab.daemon.start()
      #expect(try lab.configuration() == before)
      #expect(try Interface.list(in: a.namespace) == interfaces)
      #expect(try lab.poll { try a.reaches(b) })
    }

    @Test("root who restores into another user's directory does there what that user could, and no more")
    func ofAnother() throws {
      let lab = try Lab()
      let file = "\(lab.daemon.directory)/backup"
      try lab.toprack("backup", file)
      #expect(try lab.daemon.stop() == 0)
      let (state, secret) = ("\(lab.daemon.directory)/of-another", "\(lab.daemon.directory)/secret")
      chmod(lab.daemon.directory, 0o755)
      try runSuccessfully(["cp", "-r", lab.daemon.state, state])
      try runSuccessfully(["chown", "-R", "nobody:nogroup", state])
      try "root's".write(toFile: secret, atomically: true, encoding: .utf8)
      chmod(secret, 0o600)
      // A process of that user puts a link to root's file into the place of what has come.
      let rival = try ChildProcess([
        "setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", "sh", "-c",
        "cd '\(state)' && before=$(stat -c %i rack.sqlite) && echo ready && "
          + "while [ $(stat -c %i rack.sqlite) = $before ]; do :; done; "
          + "ln -sf '\(secret)' rack.sqlite; ln -sf '\(secret)' rack-id",
      ])
      defer { rival.signal(SIGKILL) }
      _ = try lab.toprack.attempt(["restore", file, "--state", state])
      var status = stat()
      #expect(stat(secret, &status) == 0 && status.st_uid == 0 && status.st_mode & 0o777 == 0o600)
      #expect(try String(contentsOfFile: secret, encoding: .utf8) == "root's")
      _ = rival.wait(until: .after(.seconds(5)))

      for name in ["rack.sqlite", "rack-id"] { unlink("\(state)/\(name)") }
      // A place for what is temporary that is this restore's alone, and open to all as /tmp is.
      let temporary = "\(lab.daemon.directory)/tmp"
      mkdir(temporary, 0o700)
      chmod(temporary, 0o1777)
      try runSuccessfully([
        "env", "TMPDIR=\(temporary)", "\(Daemon.binaries)/toprack", "restore", file, "--state", state,
      ])
      #expect(try FileManager.default.contentsOfDirectory(atPath: temporary) == [], "nothing is left of it")
      for name in try FileManager.default.contentsOfDirectory(atPath: state) {
        #expect(lstat("\(state)/\(name)", &status) == 0 && status.st_uid == 65_534, "\(name)")
      }
      try lab.daemon.start()
    }

    @Test("with a damaged database the rack forwards by the copy, takes no change, and says why; nothing is removed")
    func damaged() throws {
      let lab = try Lab()
      try lab.networks(100)
      _ = try lab.individual("a", 100)
      let b = try lab.individual("b", 100)
      // A clean start makes the copy.
      #expect(try lab.daemon.stop() == 0)
      try lab.daemon.start()
      let late = lab.namespace("late")
      try lab.toprack("server", "create", "late", "--netns=\(late.name)")
      #expect(try lab.daemon.stop() == 0)
      try Data(repeating: 0x55, count: 65_536).write(to: URL(fileURLWithPath: "\(lab.daemon.state)/rack.sqlite"))
      try lab.daemon.start()
      #expect(late.exists, "made since the copy, and not to be lost by it")
      let refused = try lab.toprack.attempt(["server", "delete", "a"])
      #expect(refused.status == 1 && refused.errors.contains("rack.sqlite.copy"), "\(refused.errors)")
      #expect(try lab.toprack("status").contains("toprack restore"))
      let c = try Machine(
        in: lab, name: "a", namespace: lab.namespace("a"), device: lab.toprack.json("server", "show", "a"))
      #expect(try lab.poll { try c.reaches(b) })
      #expect(try lab.daemon.stop() == 0)
      // In order again, so that the lab can clean up.
      let copy = "\(lab.daemon.state)/rack.sqlite.copy"
      try lab.toprack("restore", copy, "--state", lab.daemon.state)
      try lab.daemon.start()
      #expect(!late.exists, "not in the copy")
    }

    @Test(
      "a state that cannot be written is used as it is, its log included: the rack forwards, takes no change, and says why"
    )
    func readOnly() throws {
      let lab = try Lab()
      try lab.networks(100)
      let a = try lab.individual("a", 100)
      let b = try lab.individual("b", 100)
      lab.daemon.kill()  // the last changes are in the log alone
      let state = lab.daemon.state
      try runSuccessfully(["mount", "--bind", state, state])
      defer { _ = try? run(["umount", state]) }
      try runSuccessfully(["mount", "-o", "remount,bind,ro", state])
      try lab.daemon.start()
      #expect(try lab.poll { try a.reaches(b) })
      let refused = try lab.toprack.attempt(["server", "delete", "a"])
      #expect(refused.status == 1 && refused.errors.contains("cannot be written"), "\(refused.errors)")
      #expect(try lab.toprack("status").contains("takes no change"))
      #expect(try lab.daemon.stop() == 0)
      try runSuccessfully(["umount", state])
      try lab.daemon.start()
      try lab.toprack("server", "delete", "a")
    }

    @Test(
      "on a full disk a change is refused and nothing is half-done; with room the next one is made, and all is well")
    func full() throws {
      let lab = try Lab()
      #expect(try lab.daemon.stop() == 0)
      let (state, kept) = (lab.daemon.state, "\(lab.daemon.directory)/kept")
      try runSuccessfully(["cp", "-a", state, kept])
      unlink("\(kept)/reserve")
      try runSuccessfully(["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "toprack-test", state])
      defer { _ = try? run(["umount", "-l", state]) }
      try runSuccessfully(["cp", "-a", "\(kept)/.", state])
      try lab.daemon.start()
      _ = try run(["dd", "if=/dev/zero", "of=\(state)/filler", "bs=4k"])  // ends when there is no room
      var refused: Finished?
      // The log may have room for some yet.
      for number in 0..<400 where refused == nil {
        let answer = try lab.toprack.attempt(["network", "create", "--vxlan", "\(1000 + number)"])
        if answer.status != 0 { refused = answer }
      }
      #expect(refused?.status == 1, "\(refused?.errors ?? "never")")
      #expect(try lab.toprack("status").contains("changes cannot be written"))
      unlink("\(state)/filler")
      try lab.toprack("network", "create", "--vxlan", "3000")
      #expect(try !lab.toprack("status").contains("changes cannot be written"))
      #expect(try lab.daemon.stop() == 0)
    }

    @Test("on a full disk a token is revoked and things are deleted, also after a crash, and status says so at once")
    func giveBack() throws {
      let lab = try Lab()
      #expect(try lab.daemon.stop() == 0)
      let (state, kept) = (lab.daemon.state, "\(lab.daemon.directory)/kept")
      try runSuccessfully(["cp", "-a", state, kept])
      unlink("\(kept)/reserve")
      try runSuccessfully(["mount", "-t", "tmpfs", "-o", "size=4m,mode=0700", "toprack-test", state])
      defer { _ = try? run(["umount", "-l", state]) }
      try runSuccessfully(["cp", "-a", "\(kept)/.", state])
      try lab.daemon.start()
      try lab.toprack("token", "create", "theirs")
      for number in 1000..<1010 { try lab.toprack("network", "create", "--vxlan", "\(number)") }
      func fill() { _ = try? run(["dd", "if=/dev/zero", "of=\(state)/filler", "bs=4k"]) }
      fill()
      for number in 0..<400 {
        guard try lab.toprack.attempt(["network", "create", "--vxlan", "\(1010 + number)"]).status == 0 else { break }
      }
      try lab.toprack("token", "revoke", "theirs")
      for number in 1000..<1005 { try lab.toprack("network", "delete", "\(number)") }
      lab.daemon.kill()
      fill()
      try lab.daemon.start()
      #expect(try lab.toprack("status").contains("is full"))
      for number in 1005..<1010 { try lab.toprack("network", "delete", "\(number)") }
      unlink("\(state)/filler")
      try lab.toprack("network", "create", "--vxlan", "3000")
      #expect(try !lab.toprack("status").contains("is full"))
      #expect(try lab.daemon.stop() == 0)
    }

    @Test("at the descriptor limit the API rests and costs no time of a core; with room it answers again")
    func descriptors() throws {
      let lab = try Lab()
      let pid = try #require(lab.daemon.pid)
      let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
      func limit(_ count: Int) throws {
        try runSuccessfully(["prlimit", "--pid", "\(pid)", "--nofile=\(count):"])
      }
      try limit(open + 2)
      var sockets: [Int32] = []
      for _ in 0..<20 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        sockets.append(descriptor)
        _ = withUnixAddress(lab.daemon.socket) { connect(descriptor, $0, $1) }
      }
      defer { for descriptor in sockets { close(descriptor) } }
      // As many as it could take are taken.
      try lab.poll { try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count >= open + 2 }
      let before = try ticks(pid)
      usleep(2_000_000)
      let used = try ticks(pid) - before
      #expect(used < 100, "\(used) hundredths of a second of a core in two: it does not rest")
      try limit(4096)
      for descriptor in sockets { close(descriptor) }
      sockets = []
      #expect(try lab.toprack.json("status").object != nil)
    }

    /// Time of a core that a process has used, in hundredths of a second.
    private func ticks(_ pid: pid_t) throws -> Int {
      let text = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
      let words = text[text.lastIndex(of: ")")!...].split(separator: " ")
      return Int(words[12])! + Int(words[13])!
    }

    private func mode(_ path: String) throws -> Int {
      try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }
  }
}
