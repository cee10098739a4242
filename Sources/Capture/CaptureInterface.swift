/// A NIC as a capture names it.
public struct CaptureInterface: Hashable, Sendable {
  /// `web1/eth0`, or `uplink/toprack0`.
  public var name: String
  public var server: String
  public var nic: String
  /// What it is, for whoever reads the file.
  public var description: String
  /// Bits a second; 0: nobody says.
  public var speed: UInt64

  public init(server: String, nic: String, description: String, speed: UInt64 = 0) {
    name = "\(server)/\(nic)"
    (self.server, self.nic, self.description, self.speed) = (server, nic, description, speed)
  }
}
