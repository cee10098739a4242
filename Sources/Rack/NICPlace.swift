/// Where a NIC's interface was when it was made, or seen moved or renamed, last. With it the next start knows the NIC
/// again, whatever somebody inside has written on it.
public struct NICPlace: Hashable, Sendable {
  /// The run of the machine: namespaces and indexes of another one mean nothing.
  public var boot: String
  /// The network namespace: device, inode and cookie, 0 where the kernel has none.
  public var device: UInt64, inode: UInt64, cookie: UInt64
  /// The interface's index in it.
  public var index: Int
  /// The interface's name, and the one that Toprack gave it.
  public var name: String, madeName: String

  public init(
    boot: String, device: UInt64, inode: UInt64, cookie: UInt64, index: Int, name: String, madeName: String
  ) {
    (self.boot, self.device, self.inode, self.cookie) = (boot, device, inode, cookie)
    (self.index, self.name, self.madeName) = (index, name, madeName)
  }
}
