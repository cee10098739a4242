import Glibc
import Host
import Ports
import Testing

@Suite("Programs of the system") struct SystemProgramTests {
  @Test("input goes in, output and errors come out, and the status is the program's")
  func runs() throws {
    let shell = try #require(SystemProgram(named: "sh"))
    let result = try shell.run(["-c", "cat; echo oops >&2; exit 3"], input: "one\ntwo\n")
    #expect(result.status == 3)
    #expect(result.output == "one\ntwo\noops\n")
    #expect(try shell.run(["-c", "kill -9 $$"]).status == 137)
  }

  @Test("what does not exist is not found, what takes no input does not block, and long output is cut")
  func limits() throws {
    #expect(SystemProgram(named: "no-such-program-of-toprack") == nil)
    let shell = try #require(SystemProgram(named: "sh"))
    let long = try shell.run(
      ["-c", "i=0; while [ $i -lt 2000 ]; do echo 0123456789012345678901234567890123456789; i=$((i+1)); done"],
      input: String(repeating: "x", count: 60_000))
    #expect(long.status == 0)
    #expect(long.output.utf8.count == SystemProgram.outputLimit - 1)
    let error = #expect(throws: PortsFault.self) { try shell.run([], input: String(repeating: "x", count: 60_001)) }
    #expect(error?.errno == E2BIG)
  }

  @Test("one is found by its path, too")
  func path() throws {
    let shell = try #require(SystemProgram(named: "sh"))
    #expect(try SystemProgram(path: shell.path).run(["-c", "exit 4"]).status == 4)
    #expect(throws: PortsFault.self) { try SystemProgram(path: "/no/such/program").run([]) }
  }

  @Test("it has no descriptor of ours")
  func descriptors() throws {
    let shell = try #require(SystemProgram(named: "sh"))
    let result = try shell.run(["-c", "ls /proc/self/fd | wc -l"])
    #expect(result.output.filter { !$0.isWhitespace } == "4", "three, and the directory itself")
  }
}
