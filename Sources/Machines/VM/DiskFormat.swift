/// How the bytes of a disk image are meant.
///
/// QEMU is told, and never guesses: a machine may write whatever it likes to a raw disk, also the beginning of an image
/// that names a file of the host as what is below it.
public enum DiskFormat: String, CaseIterable, Codable, Sendable {
  case raw, qcow2, vmdk, vdi, vhdx, vpc

  /// Bytes that `init(header:)` wants to see.
  public static let headerLength = 512

  /// What a file with this beginning is when it is first seen.
  public init(header: some Collection<UInt8>) {
    let bytes = Array(header.prefix(Self.headerLength))
    func has(_ text: String, at offset: Int = 0) -> Bool { bytes.dropFirst(offset).starts(with: text.utf8) }
    self =
      if has("QFI"), bytes.count > 3, bytes[3] == 0xFB {
        .qcow2
      } else if has("KDMV") {
        .vmdk
      } else if bytes.dropFirst(0x40).starts(with: [0x7F, 0x10, 0xDA, 0xBE]) {
        .vdi
      } else if has("vhdxfile") {
        .vhdx
      } else if has("conectix") {
        .vpc
      } else {
        .raw
      }
  }
}
