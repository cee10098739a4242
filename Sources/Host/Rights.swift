import CHost
public import Ports

/// What this process may do.
public enum Rights {
  /// Becomes a user who owns nothing and may do nothing beyond the ordinary, for good. For a child that reads what
  /// others send, before it has other threads.
  public static func giveUp() throws(PortsFault) {
    try PortsFault.check(chost_give_up_rights(), "becoming nobody")
  }
}
