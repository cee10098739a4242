import Gateway
import Switching
import Testing

@Suite("Neighbour") struct NeighbourTests {
  @Test("port and slot make one number, and come back from it")
  func index() {
    for port in [1, 2, 16_383] {
      for slot in 0..<RoutedInterface.linkLimit {
        let neighbour = Neighbour(port: PortIndex(port), slot: slot)
        #expect(Neighbour(index: neighbour.index) == neighbour)
      }
    }
  }
}
