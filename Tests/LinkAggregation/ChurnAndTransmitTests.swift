import Net
import Testing

@testable import LinkAggregation

@Suite("Churn detection, 802.1AX-2014 6.4.17") struct ChurnDetectorTests {
  @Test("counts an end that is out of sync for 60 s, once")
  func churn() {
    var detector = ChurnDetector()
    detector.update(watching: true, inSync: false, at: 100)
    #expect(detector.deadline == 60_100)
    detector.update(watching: true, inSync: false, at: 60_099)
    #expect(detector.count == 0)
    detector.update(watching: true, inSync: false, at: 60_100)
    #expect(detector.state == .churn)
    detector.update(watching: true, inSync: false, at: 900_000)
    #expect(detector.count == 1)
    #expect(detector.deadline == nil)
  }

  @Test("is over when the end is in sync, and starts its time anew when it falls out")
  func recovery() {
    var detector = ChurnDetector(.churn)
    detector.update(watching: true, inSync: true, at: 1_000)
    #expect(detector.state == .noChurn)
    detector.update(watching: true, inSync: false, at: 2_000)
    #expect(detector.state == .monitor(until: 62_000))
    detector.update(watching: true, inSync: true, at: 61_999)
    #expect(detector.state == .noChurn)
    #expect(detector.count == 0)
  }

  @Test("rests while there is no partner", arguments: [ChurnDetector.State.noChurn, .churn, .monitor(until: 5)])
  func rest(_ state: ChurnDetector.State) {
    var detector = ChurnDetector(state)
    detector.update(watching: false, inSync: false, at: 10)
    #expect(detector.state == .monitor(until: nil))
    #expect(detector.deadline == nil)
    #expect(detector.count == 0)
  }
}

@Suite("Transmit machine, 802.1AX-2014 6.4.16") struct TransmitMachineTests {
  @Test("sends nothing that nobody asked for")
  func idle() {
    var machine = TransmitMachine()
    #expect(machine.deadline == nil)
    #expect(machine.take(at: 0) == false)
  }

  @Test("sends three in any second, and the fourth when the first is a second old")
  func limit() {
    var machine = TransmitMachine()
    for time: Instant in [100, 800, 900] {
      machine.request()
      #expect(machine.take(at: time) == true)
    }
    machine.request()
    #expect(machine.deadline == 1_100)
    #expect(machine.take(at: 1_099) == false)
    #expect(machine.isNeeded)
    #expect(machine.take(at: 1_100) == true)
    machine.request()
    #expect(machine.deadline == 1_800)
  }

  @Test("several requests make one LACPDU")
  func merge() {
    var machine = TransmitMachine()
    machine.request()
    machine.request()
    #expect(machine.take(at: 0) == true)
    #expect(machine.take(at: 0) == false)
  }

  @Test("what is cancelled is not sent later")
  func cancel() {
    var machine = TransmitMachine()
    machine.request()
    machine.cancel()
    #expect(machine.take(at: 5_000) == false)
  }
}
