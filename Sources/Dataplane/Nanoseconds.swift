/// A moment on a clock of the thread, or a span of it. Not an `Instant`, which is in milliseconds.
typealias Nanoseconds = UInt64
