import Foundation

/// A machine for QEMU that needs no operating system: the boot sector of an empty disk. It says ECHO-MACHINE on the
/// serial line and then whatever it hears, follows the power button, switches itself off on `q` and starts anew on `r`.
/// It is up in a fraction of a second, also where QEMU emulates the processor.
enum EchoMachine {
  /// The least that SeaBIOS reads from a virtio disk is a cylinder.
  static let size = 4 << 20

  static func write(to path: String) throws {
    var disk = Data(sector)
    disk.append(Data(count: size - disk.count))
    try disk.write(to: URL(fileURLWithPath: path))
  }

  private static let sector: [UInt8] = {
    let code: [UInt8] = [
      // No interrupts; data from 0.
      0xFA, 0x31, 0xC0, 0x8E, 0xD8,
      // The power button is enabled: port 0x602.
      0xBA, 0x02, 0x06, 0xB8, 0x00, 0x01, 0xEF,
      // Says its name.
      0xBE, 0x59, 0x7C, 0xAC, 0x84, 0xC0, 0x74, 0x05, 0xE8, 0x31, 0x00, 0xEB, 0xF6,
      // Is the button pressed? Port 0x600.
      0xBA, 0x00, 0x06, 0xED, 0xF6, 0xC4, 0x01, 0x75, 0x19,
      // Is there a key? Port 0x3FD.
      0xBA, 0xFD, 0x03, 0xEC, 0xA8, 0x01, 0x74, 0xEF,
      // q, r.
      0xBA, 0xF8, 0x03, 0xEC, 0x3C, 0x71, 0x74, 0x09, 0x3C, 0x72, 0x74, 0x0D,
      // Anything else is said again.
      0xE8, 0x0F, 0x00, 0xEB, 0xDE,
      // Off: port 0x604.
      0xBA, 0x04, 0x06, 0xB8, 0x00, 0x20, 0xEF, 0xF4,
      // Reset: port 0x64.
      0xB0, 0xFE, 0xE6, 0x64, 0xF4,
      // To say one character: port 0x3F8.
      0x88, 0xC3, 0xBA, 0xFD, 0x03, 0xEC, 0xA8, 0x20, 0x74, 0xFB, 0xBA, 0xF8, 0x03, 0x88, 0xD8, 0xEE,
      0xC3,
      // Its name.
      0x45, 0x43, 0x48, 0x4F, 0x2D, 0x4D, 0x41, 0x43, 0x48, 0x49, 0x4E, 0x45, 0x0D, 0x0A,
    ]
    return code + [UInt8](repeating: 0, count: 510 - code.count) + [0x55, 0xAA]
  }()
}

extension ConsoleClient {
  /// Returns when the machine at this console is up. It is asked, since what it says by itself may be of an earlier start.
  func waitForEcho() throws {
    for number in 1...60 {
      try type("up \(number);")
      if (try? wait(for: "up \(number);", until: .after(.milliseconds(500)))) != nil { return }
    }
    throw HarnessError("the machine echoes nothing")
  }
}
