import Foundation
import HTTPTypes
import Net
import Rack
import Testing

@testable import API

@Suite("The text of metrics") struct MetricsTextTests {
  @Test(
    "OpenMetrics is for who names it and likes it as well as text; everybody else gets text",
    arguments: [
      (nil, .text), ("", .text), ("*/*", .text), ("text/plain", .text), ("application/json", .text),
      ("application/openmetrics-text", .openMetrics),
      ("application/openmetrics-text; version=1.0.0", .openMetrics),
      ("application/openmetrics-text;version=\"1.0.0\"", .openMetrics),
      ("Application/OpenMetrics-Text;q=0.5, text/plain;q=0.4", .openMetrics),
      ("application/openmetrics-text;q=0.4,text/plain;q=0.5", .text),
      ("application/openmetrics-text;q=0", .text), ("application/openmetrics-text;q=x", .text),
      ("application/openmetrics-text;version=0.0.1,*/*;q=0.1", .text),
      ("application/openmetrics-text;version=2.0.0,text/plain;version=0.0.4;q=0.5", .text),
      // Prometheus 2.42.
      (
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
          + "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", .openMetrics
      ),
      (";;;,,;q=1", .text),
    ] as [(String?, MetricsFormat)])
  func accept(_ accept: String?, _ want: MetricsFormat) {
    #expect(MetricsFormat(accept: accept) == want)
  }

  private func text(_ format: MetricsFormat) -> String {
    var text = MetricsText(format)
    text.begin(MetricsFamily(name: "toprack_x_total", kind: .counter, help: #"A "word" and a \."#))
    text.sample("toprack_x_total", ["server": "web1", "project": "a\"b\\c\nd"], UInt64.max)
    text.begin(MetricsFamily(name: "toprack_y", kind: .gauge, help: "Y."))
    text.sample("toprack_y", 0.5)
    text.sample("toprack_y", ["nic": "eth0"], true)
    text.end()
    return String(decoding: text.bytes, as: UTF8.self)
  }

  @Test("has a counter's name whole in the text format, and without its end in OpenMetrics, which has an end")
  func formats() {
    let samples = #"""
      toprack_x_total{server="web1",project="a\"b\\c\nd"} 18446744073709551615
      """#
    let gauges = "# HELP toprack_y Y.\n# TYPE toprack_y gauge\ntoprack_y 0.5\ntoprack_y{nic=\"eth0\"} 1\n"
    #expect(
      text(.text) == "# HELP toprack_x_total A \"word\" and a \\\\.\n# TYPE toprack_x_total counter\n\(samples)\n"
        + gauges)
    #expect(
      text(.openMetrics) == "# HELP toprack_x A \\\"word\\\" and a \\\\.\n# TYPE toprack_x counter\n\(samples)\n"
        + gauges + "# EOF\n")
  }

  @Test("a histogram counts what took no longer than each bound, and all of it")
  func histogram() {
    var histogram = DurationHistogram()
    for time in [0, 500, 501, 1_000, 2_500_000, 2_500_001] { histogram.add(.microseconds(time)) }
    #expect(histogram.cumulative.first == 2)
    #expect(histogram.cumulative[1] == 4)
    #expect(histogram.cumulative.last == 5)
    #expect(histogram.count == 6 && histogram.sum == .microseconds(5_002_002))
  }

  @Test("requests are counted by the first word of a route that there is; what is made up is one class")
  func routes() {
    let meter = RequestMeter()
    meter.know(["/devices/:id", "/devices/:id/events", "/toprack/lacp", "/toprack/devices/:server/ports", "/metrics"])
    for path in ["/devices/1", "/devices/2?include=x", "/devices"] { meter.answered(path, .ok, after: .zero) }
    for number in 0..<1000 { meter.answered("/made-up-\(number)/x", .notFound, after: .zero) }
    for path in ["/toprack/secret", "/toprack", "/", ""] { meter.answered(path, .notFound, after: .zero) }
    meter.answered("/toprack/lacp?server=a", .ok, after: .zero)
    meter.answered("/portal/servers/1", .ok, after: .zero)
    #expect(
      meter.figures.requests == [
        .init(route: "/devices", status: 200): 3, .init(route: "other", status: 404): 1004,
        .init(route: "/toprack/lacp", status: 200): 1, .init(route: "/portal", status: 200): 1,
      ])
    #expect(meter.figures.durations.count == 1009)
  }

  @Test("no two projects have one label, whatever they are called")
  func projects() {
    let ids = (0..<4).map { _ in ProjectID(UUID()) }
    let names = ["web", "web", "web (\(ids[0]))", "lab"]
    let projects = zip(ids, names).map { Project(id: $0, name: $1, createdAt: .distantPast) }
    let labels = ProjectLabels(projects)
    #expect(Set(ids.map { labels[$0] }).count == 4)
    #expect(labels[ids[3]] == "lab" && labels[ids[0]] == "web (\(ids[0]))")
  }
}
