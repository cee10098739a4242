import Testing

@testable import toprack

@Suite("Facts, as verify compares them") struct FactsTests {
  private func facts(_ subjects: [String: [String: String]]) -> Facts {
    var facts = Facts()
    for (subject, all) in subjects { facts.add(subject, all) }
    return facts
  }

  @Test("the same facts do not differ, whatever the order in which they came")
  func same() {
    var one = facts(["web1 bond0": ["MTU": "1500", "role": "dark"]])
    var other = facts(["web1 bond0": ["role": "dark"]])
    other.add("web1 bond0", ["MTU": "1500"])
    #expect(one.differences(from: other, source: .wire).isEmpty)
    one.add("web2", [:])
    #expect(one.differences(from: other, source: .wire).count == 1)
  }

  @Test("each difference is one line that names source, subject, and both values")
  func lines() {
    let expected = facts(["web1": ["mode": "hybrid", "tags": "a"], "web2": ["mode": "layer3"]])
    let found = facts(["web1": ["mode": "layer3", "tags": ""], "web3": ["mode": "layer3"]])
    let lines = expected.differences(from: found, source: .api).sorted().map(\.text)
    #expect(
      lines == [
        "API: web1: mode is layer3, in the database it is hybrid",
        "API: web1: tags is none, in the database it is a",
        "API: web2 is in the database and not here",
        "API: web3 is here and not in the database",
      ])
  }

  @Test("the database comes first, then what is farther and farther from it")
  func order() {
    let sources: [Difference.Source] = [.kernel, .wire, .api, .database]
    let all = sources.map { Difference(source: $0, subject: "a", what: nil, expected: nil, found: "b") }
    #expect(all.sorted().map(\.source) == sources.reversed())
  }
}
