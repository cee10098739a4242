import Foundation
import Glibc
import Testing

@testable import MachineHost

@Suite("QEMU as a process") struct QEMUProcessTests {
  @Test("it is known by the file that it was told to write, and a number that somebody else has by now is not it")
  func identity() throws {
    let qemu = try HeldQEMU()
    let number = try #require(qemu.number)
    let found = try #require(QEMUProcess(writtenIn: qemu.file))
    #expect(found.process.id == Int(number) && found.process.isAlive)
    #expect(found.accelerator == Accelerator(isKVM: false))
    let other = "\(qemu.folder)/other"
    for (text, what) in [
      ("\(number)\n", "a QEMU that was told another file"), ("\(getpid())\n", "a program that is none"),
      ("4194305\n", "a number that nobody has"), ("-1", "not a number of a process"), ("0", "ours"), ("", "nothing"),
      ("x\u{0}", "no number"),
    ] {
      try text.write(toFile: other, atomically: true, encoding: .utf8)
      #expect(QEMUProcess(writtenIn: other) == nil, "\(what)")
    }
    #expect(QEMUProcess(writtenIn: "\(qemu.folder)/nothing") == nil)
    // One whose words have the path, as a client of its monitor has.
    let client = Process()
    client.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    client.arguments = ["sh", "-c", "read x", "-pidfile", other]
    client.standardInput = Pipe()
    try client.run()
    try "\(client.processIdentifier)".write(toFile: other, atomically: true, encoding: .utf8)
    #expect(QEMUProcess(writtenIn: other) == nil)
    client.terminate()

    #expect(found.end() && !found.process.isAlive)
    #expect(QEMUProcess(writtenIn: qemu.file) == nil)
    #expect(found.end(), "one that is gone has ended")
  }
}
