import CPort

/// Cache lines that will be read soon. Asking for those of a whole batch at once costs one trip to memory instead of one a frame.
///
/// ## Threads
/// One owner.
@safe public struct Prefetcher: ~Copyable {
  @usableFromInline let addresses: UnsafeMutablePointer<UnsafeRawPointer?>
  @usableFromInline var count = 0
  @usableFromInline let capacity: Int

  /// `capacity`: lines that can be noted between two calls of `fetch`.
  public init(capacity: Int) {
    self.capacity = capacity
    unsafe addresses = .allocate(capacity: capacity)
    unsafe addresses.initialize(repeating: nil, count: capacity)
  }

  deinit { unsafe addresses.deallocate() }

  /// Notes the line of `address`, which is not read here. What is over the capacity is not noted.
  @inline(always) @inlinable public mutating func note(_ address: UnsafeRawPointer) {
    guard count < capacity else { return }
    unsafe addresses[count] = unsafe address
    count &+= 1
  }

  /// Begins to load what was noted.
  public mutating func fetch() {
    unsafe cport_prefetch(addresses, count)
    count = 0
  }
}
