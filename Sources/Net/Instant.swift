/// Milliseconds on the caller's monotonic clock, which tests start at 0. A time that has come is `<=` now.
public typealias Instant = UInt64
