import Foundation
import Glibc
import Testing

#if arch(x86_64)
  private let isX86 = true
#else
  private let isX86 = false
#endif

extension Integration {
  /// A real trap in a real daemon: a thread comes back from its system call to an instruction that there is not. The
  /// bytes are of x86-64.
  @Suite("Crash and watchdog", .enabled(if: isX86)) struct CrashTests {
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
      #expect(log.contains("toprackd crashed: SIGILL in thread toprack-fwd-0 at "), "\(log)")
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

    /// Writes `code` where `thread`, which waits in a system call, will come back into the program.
    private func plant(_ code: [UInt8], in pid: pid_t, thread name: String) throws {
      let program = try programText(of: pid)
      let memory = open("/proc/\(pid)/mem", O_RDWR | O_CLOEXEC)
      guard memory >= 0 else { throw HarnessError("memory of \(pid): \(String(cString: strerror(errno)))") }
      defer { close(memory) }
      let tasks = "/proc/\(pid)/task"
      let deadline = Deadline.after(.seconds(20))
      while !deadline.hasPassed {
        for task in try FileManager.default.contentsOfDirectory(atPath: tasks) {
          let comm = (try? String(contentsOfFile: "\(tasks)/\(task)/comm", encoding: .utf8)) ?? ""
          // Number, six arguments, stack pointer, program counter: proc(5).
          let call = (try? String(contentsOfFile: "\(tasks)/\(task)/syscall", encoding: .utf8)) ?? ""
          let words = call.split(whereSeparator: \.isWhitespace)
          guard comm.hasPrefix(name), words.count == 9, let stack = UInt64(words[7].dropFirst(2), radix: 16) else {
            continue
          }
          var frames = [UInt64](repeating: 0, count: 64)
          pread(memory, &frames, frames.count * 8, off_t(stack))
          guard let place = frames.first(where: program.contains) else { continue }
          guard pwrite(memory, code, code.count, off_t(place)) == code.count else {
            throw HarnessError("memory of \(pid): \(String(cString: strerror(errno)))")
          }
          return
        }
        usleep(10_000)
      }
      throw HarnessError("\(name) of \(pid) does not wait in a system call")
    }

    /// Where the program's instructions are.
    private func programText(of pid: pid_t) throws -> Range<UInt64> {
      for line in try String(contentsOfFile: "/proc/\(pid)/maps", encoding: .utf8).split(separator: "\n")
      where line.hasSuffix("/toprackd") && line.contains(" r-xp ") {
        let ends = line.prefix { $0 != " " }.split(separator: "-").compactMap { UInt64($0, radix: 16) }
        if ends.count == 2 { return ends[0]..<ends[1] }
      }
      throw HarnessError("\(pid) is not toprackd")
    }
  }
}
