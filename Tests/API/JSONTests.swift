import Testing

@testable import API

/// A text and the value that it is.
struct JSONVector: Sendable, CustomTestStringConvertible {
  let text: String
  let value: JSON
  var testDescription: String { text }

  static let all = [
    JSONVector(text: "null", value: nil),
    JSONVector(text: " true ", value: true),
    JSONVector(text: "-0", value: 0),
    JSONVector(text: "9223372036854775807", value: .integer(.max)),
    JSONVector(text: "9223372036854775808", value: .number(9_223_372_036_854_775_808)),
    JSONVector(text: "1.5e3", value: .number(1500)),
    JSONVector(text: #""a\/\"\\\b\f\n\r\t\u00e9""#, value: "a/\"\\\u{8}\u{C}\n\r\té"),
    JSONVector(text: #""\ud83d\ude00""#, value: "😀"),
    JSONVector(text: "[]", value: []),
    JSONVector(text: "[1, [2], {}]", value: [1, [2], [:]]),
    JSONVector(text: "{\"a\": 1,\n \"b\": {\"c\": null}}\n", value: ["a": 1, "b": ["c": nil]]),
  ]
}

/// A text that is not JSON, where reading stops, and a word of the reason.
struct JSONFaultVector: Sendable, CustomTestStringConvertible {
  let text: String
  let line: Int, column: Int
  let reason: String
  var testDescription: String { text }

  static let all = [
    JSONFaultVector(text: "", line: 1, column: 1, reason: "found the end"),
    JSONFaultVector(text: "{", line: 1, column: 2, reason: "member name in quotes"),
    JSONFaultVector(text: #"{"a"}"#, line: 1, column: 5, reason: "':' after \"a\", found '}'"),
    JSONFaultVector(text: "{\"a\": 1,\n  }", line: 2, column: 3, reason: "member name in quotes, found '}'"),
    JSONFaultVector(text: "{\"a\": 1\n\"b\": 2}", line: 2, column: 1, reason: "',' or '}'"),
    JSONFaultVector(text: "[1,]", line: 1, column: 4, reason: "a value, found ']'"),
    JSONFaultVector(text: "[1 2]", line: 1, column: 4, reason: "',' or ']'"),
    JSONFaultVector(text: "01", line: 1, column: 1, reason: "begin with 0"),
    JSONFaultVector(text: "1.", line: 1, column: 1, reason: "ends too early"),
    JSONFaultVector(text: "-", line: 1, column: 1, reason: "ends too early"),
    JSONFaultVector(text: "1e999", line: 1, column: 1, reason: "too large"),
    JSONFaultVector(text: "tru", line: 1, column: 1, reason: "a value, found 't'"),
    JSONFaultVector(text: "nullx", line: 1, column: 5, reason: "the end, found 'x'"),
    JSONFaultVector(text: "\"a\nb\"", line: 1, column: 3, reason: "control character"),
    JSONFaultVector(text: "\n \"abc", line: 2, column: 2, reason: "no closing quote"),
    JSONFaultVector(text: #""\x""#, line: 1, column: 2, reason: "unknown escape"),
    JSONFaultVector(text: #""\u12g4""#, line: 1, column: 2, reason: "four hexadecimal"),
    JSONFaultVector(text: #""\ud83d""#, line: 1, column: 2, reason: "surrogate"),
    JSONFaultVector(text: #""\ude00""#, line: 1, column: 2, reason: "surrogate"),
    JSONFaultVector(text: "'a'", line: 1, column: 1, reason: "found '''"),
    JSONFaultVector(text: "// a", line: 1, column: 1, reason: "found '/'"),
  ]
}

@Suite("JSON") struct JSONTests {
  @Test("reads what RFC 8259 allows", arguments: JSONVector.all)
  func read(_ vector: JSONVector) throws {
    #expect(try JSON(reading: Array(vector.text.utf8)) == vector.value)
  }

  @Test("names line, column and reason of what it cannot read", arguments: JSONFaultVector.all)
  func fault(_ vector: JSONFaultVector) throws {
    let fault = try #require(throws: JSONFault.self) { try JSON(reading: Array(vector.text.utf8)) }
    #expect(fault.line == vector.line)
    #expect(fault.column == vector.column)
    #expect(fault.reason.contains(vector.reason), "\(fault.reason)")
  }

  @Test("refuses bytes that are not UTF-8")
  func invalidUTF8() throws {
    let fault = try #require(throws: JSONFault.self) { try JSON(reading: [0x22, 0xC3, 0x28, 0x22]) }
    #expect(fault.reason.contains("UTF-8"))
  }

  @Test("reads 63 levels of nesting below the top, and not one more")
  func depth() throws {
    let deepest = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    #expect(throws: Never.self) { try JSON(reading: Array(deepest.utf8)) }
    let fault = try #require(throws: JSONFault.self) { try JSON(reading: Array("[\(deepest)]".utf8)) }
    #expect(fault.reason.contains("64 levels"))
  }

  @Test("writes members in their order, escapes controls and leaves slashes")
  func write() {
    let value: JSON = ["b": [1, nil, true, .number(0.5)], "a": "/\"\\\n\r\t\u{1}\u{1F}é", "n": .number(.infinity)]
    let text = String(decoding: value.text, as: UTF8.self)
    #expect(text == #"{"b":[1,null,true,0.5],"a":"/\"\\\n\r\t\u0001\u001fé","n":null}"#)
  }

  @Test("reads back what it wrote", arguments: JSONVector.all)
  func roundTrip(_ vector: JSONVector) throws {
    #expect(try JSON(reading: vector.value.text) == vector.value)
  }

  @Test("takes the last of repeated members")
  func repeated() throws {
    #expect(try JSON(reading: Array(#"{"a": 1, "a": 2}"#.utf8))["a"] == 2)
  }
}

@Suite("Prepared JSON") struct PreparedJSONTests {
  @Test("is the value that it was made of, wherever one looks")
  func same() {
    let value: JSON = ["a": 1, "b": [nil, "x\"\u{1}", .number(1.5)], "c": true]
    let prepared = value.prepared
    #expect(prepared == value && value == prepared && prepared.hashValue == value.hashValue)
    #expect(prepared["b"]?[1] == "x\"\u{1}" && prepared.kind == value.kind)
    #expect(prepared.text == value.text && JSON.array([prepared]).text == JSON.array([value]).text)
    #expect(prepared.adding(("d", nil)) == value.adding(("d", nil)))
    #expect(prepared != ["a": 1] && prepared.prepared == prepared)
  }

  @Test("what is kept as text goes out as it is, unread, and is an object for whoever looks")
  func kept() throws {
    let text = #"{"b":{"c":1.50,"a":[1,null]},"a":"ä\/"}"#
    let kept = JSON(kept: text)
    #expect(JSON.array([kept]).text == Array("[\(text)]".utf8))
    #expect(kept["b"]?["a"] == [1, nil] && kept.kind == "an object")
    #expect(kept == (try JSON(reading: Array(text.utf8))))
    #expect(JSON(kept: "{}") == [:] && JSON(kept: "no JSON")["a"] == nil)
  }

  @Test("weighs about what its text is long")
  func weight() {
    let value: JSON = ["name": "web1", "list": ["a", "bc", nil, true], "kept": JSON(kept: #"{"a":[0,0,0]}"#)]
    #expect((value.text.count...2 * value.text.count).contains(value.weight))
  }
}
