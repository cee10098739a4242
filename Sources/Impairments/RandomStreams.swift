import Net

/// The random numbers of a link: a stream for each purpose, from one seed.
///
/// ## How it works
/// Each frame that arrives takes one number of every stream, whatever is set and whatever becomes of it. So what
/// happens to the n-th frame for one purpose depends on the seed and on n, and on nothing else: other delays, or a
/// loss that begins later, change nothing in what is corrupted.
struct RandomStreams {
  /// The numbers of one frame.
  struct Draw: BitwiseCopyable {
    var loss: UInt64, duplicate: UInt64, reorder: UInt64, corrupt: UInt64, jitter: UInt64
  }

  private var loss, duplicate, reorder, corrupt, jitter: SeededGenerator

  /// `direction`: 0 or 1. The two directions of a link with one seed do not lose the same frames.
  init(seed: UInt64, direction: UInt64) {
    var source = SeededGenerator(seed: seed ^ direction &* 0xD1B5_4A32_D192_ED03)
    (loss, duplicate) = (SeededGenerator(seed: source.next()), SeededGenerator(seed: source.next()))
    (reorder, corrupt) = (SeededGenerator(seed: source.next()), SeededGenerator(seed: source.next()))
    jitter = SeededGenerator(seed: source.next())
  }

  @inline(always) mutating func next() -> Draw {
    Draw(
      loss: loss.next(), duplicate: duplicate.next(), reorder: reorder.next(), corrupt: corrupt.next(),
      jitter: jitter.next())
  }
}
