import Ports
import Testing

@Suite("Names of interfaces") struct InterfaceNameTests {
  @Test("an interface's name is printable ASCII in a sentence, and no two names look the same")
  func interfaceName() {
    #expect("web1-eth0".asInterfaceName == "web1-eth0")
    #expect("\u{1B}[2J\u{7}".asInterfaceName == #"\x1b[2J\x07"#)
    #expect(#"\x1b"#.asInterfaceName == #"\x5cx1b"#)
    #expect("é \u{202E}".asInterfaceName == #"\xc3\xa9\x20\xe2\x80\xae"#)
  }
}
