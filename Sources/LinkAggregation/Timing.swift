public import Net

/// The constants of the protocol, in milliseconds. Source: IEEE 802.1AX-2014 6.4.4.
public enum Timing {
  /// Between two LACPDUs to a partner that wants them often, or not.
  public static let fastPeriod: Instant = 1_000
  public static let slowPeriod: Instant = 30_000
  /// Silence after which a partner is expired.
  public static let shortTimeout: Instant = 3_000
  public static let longTimeout: Instant = 90_000
  /// How long the ends may disagree before it counts as churn.
  public static let churnDetection: Instant = 60_000
  /// Our own, not the standard's: time for a partner to act on our Synchronization before frames are sent to it.
  public static let settling: Instant = 50
  /// How long a link waits for others that may join the same aggregate.
  public static let aggregateWait: Instant = 2_000
}
