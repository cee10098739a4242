// Figures beside their goals.

import Foundation

/// Times of one case, milliseconds.
struct Samples {
  private let sorted: [Double]

  init(_ values: [Duration]) {
    sorted = values.map { Double($0.components.seconds) * 1e3 + Double($0.components.attoseconds) / 1e15 }.sorted()
  }

  var median: Double { sorted[sorted.count / 2] }
  var p99: Double { sorted[min(sorted.count - 1, sorted.count * 99 / 100)] }
  var longest: Double { sorted.last ?? 0 }
}

struct Report {
  private(set) var lines: [String] = []
  /// Cases that missed their goals.
  private(set) var misses: [String] = []

  mutating func add(_ name: String, _ samples: Samples, median: Double? = nil, p99: Double? = nil) {
    let isMissed = median.map { samples.median > $0 } ?? false || p99.map { samples.p99 > $0 } ?? false
    let goal = [median.map { "median < \(Int($0))" }, p99.map { "p99 < \(Int($0))" }].compactMap(\.self)
    let figures = "median \(text(samples.median)), p99 \(text(samples.p99)), longest \(text(samples.longest)) ms"
    add(name, figures, goal.joined(separator: ", "), isMissed)
  }

  mutating func add(_ name: String, _ value: Double, atLeast: Double? = nil, atMost: Double? = nil) {
    let isMissed = atLeast.map { value < $0 } ?? false || atMost.map { value > $0 } ?? false
    let goal = [atLeast.map { "at least \(text($0))" }, atMost.map { "at most \(text($0))" }].compactMap(\.self)
    add(name, text(value), goal.joined(separator: ", "), isMissed)
  }

  private mutating func add(_ name: String, _ figures: String, _ goal: String, _ isMissed: Bool) {
    if isMissed { misses.append(name) }
    lines.append("\(name): \(figures)" + (goal.isEmpty ? "" : "  [\(goal)\(isMissed ? ": MISSED" : "")]"))
  }

  private func text(_ value: Double) -> String { String(format: value < 100 ? "%.2f" : "%.0f", value) }

  var text: String { lines.joined(separator: "\n") }
}
