import Foundation
import Glibc
import Testing

extension Integration {
  /// A real trap in a real daemon: the thread comes back from its system call into an instruction that there is not.
  @Suite("Crash, watchdog, state lock") struct CrashTests {
    @Test("a daemon that traps is gone at once, says where it was, and the next start has the NICs")
    func crash() throws {
      let lab = try Lab()
      try lab.networks(100)
      let a = try lab.individual("a", 100)
      let b = try lab.individual("b", 100)
      let interfaces = try Interface.list(in: a.namespace)
      let pid = try #require(lab.daemon.pid)
      try plant([0x0F, 0x0B], in: pid, thread: "toprack-fwd-0")  // ud2
      // It comes back when there is a frame.
      let began = ContinuousClock.now
      try a.eth0.send(Frame(to: .broadcast, from: a.eth0.mac, "wake up"))
      // Far more than it takes, and far less than Swift's backtracer: its ten seconds were the fault.
      let status = try #require(lab.daemon.wait(until: .after(.seconds(5))), "still there")
      print("gone after \(began.duration(to: .now))")
      #expect(status == 128 + SIGILL)
      let log = lab.daemon.log
      #expect(log.contains("toprackd crashed: SIGILL in thread "), "\(log)")
      #expect(log.split(separator: "\n").filter { $0.contains("toprackd(") }.count > 2, "a backtrace: \(log)")
      try lab.daemon.start()
      #expect(try Interface.list(in: a.namespace) == interfaces)
      #expect(try lab.poll { try a.reaches(b) })
    }

    @Test("the service manager hears from the daemon while all is alive, and no more when the workers hang")
    func watchdog() throws {
      let daemon = try Daemon(options: ["--log-level", "info"])
      try daemon.start(environment: ["WATCHDOG_USEC": "1000000"])
      for _ in 0..<3 { #expect(try daemon.hears("WATCHDOG=1", until: .after(.seconds(30)))) }
      try plant([0xEB, 0xFE], in: try #require(daemon.pid), thread: "toprack-fwd-0")  // a jump to itself
      let deadline = Deadline.after(.seconds(60))
      while !daemon.log.contains("no sign of life from forwarding"), !deadline.hasPassed { usleep(20_000) }
      #expect(daemon.log.contains("no sign of life from forwarding"), "\(daemon.log)")
      while try daemon.hears("WATCHDOG=1", until: .after(.zero)) {}
      #expect(try !daemon.hears("WATCHDOG=1", until: .after(.seconds(2))), "three times its interval")
      daemon.kill()
    }

    /// Writes `code` where `thread`, which waits in a system call, will come back.
    private func plant(_ code: [UInt8], in pid: pid_t, thread name: String) throws {
      let tasks = "/proc/\(pid)/task"
      let deadline = Deadline.after(.seconds(20))
      while !deadline.hasPassed {
        for task in try FileManager.default.contentsOfDirectory(atPath: tasks) {
          let comm = (try? String(contentsOfFile: "\(tasks)/\(task)/comm", encoding: .utf8)) ?? ""
          guard comm.hasPrefix(name) else { continue }
          let words = ((try? String(contentsOfFile: "\(tasks)/\(task)/syscall", encoding: .utf8)) ?? "").split(
            separator: " ")
          guard words.count == 9, let last = words.last,
            let place = UInt64(last.dropFirst(2).prefix { $0.isHexDigit }, radix: 16)
          else { continue }
          let memory = open("/proc/\(pid)/mem", O_RDWR | O_CLOEXEC)
          defer { close(memory) }
          guard pwrite(memory, code, code.count, off_t(place)) == code.count else {
            throw HarnessError("memory of \(pid): \(String(cString: strerror(errno)))")
          }
          return
        }
        usleep(10_000)
      }
      throw HarnessError("\(name) of \(pid) does not wait in a system call")
    }
  }
}
