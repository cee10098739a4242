import FoundationEssentials
import HTTPTypes
import Net
import Rack
import Testing

@testable import API

@Suite("Elastic blocks in the API") struct AddressTests {
  /// A server in layer 3 with the upper half of a reserved /29.
  private struct Fixture {
    var rack: Rack
    var source = Counting()
    let server: Server
    let reservation: Reservation
    let assignment: BlockAssignment

    init() throws {
      rack = Rack(with: &source)
      let project = try #require(rack.project(named: "default")).id
      try rack.perform(
        .createServer(
          ServerRequest(
            hostname: "web1", plan: "c3.small.x86", facility: "ewr1", operatingSystem: "debian_12", project: project,
            place: .host)), with: &source)
      try rack.perform(.reserveBlock(BlockRequest(project: project, facility: "ewr1", length: 29)), with: &source)
      reservation = try #require(rack.reservations.values.first)
      let id = try #require(rack.server(named: "web1")).id
      try rack.perform(.assignBlock(id, try IPPrefix(reading: "198.18.24.4/30")), with: &source)
      server = try #require(rack.servers[id])
      assignment = try #require(server.blocks.first)
    }

    var renderer: Renderer { Renderer(rack: rack, prefix: "/metal/v1") }
  }

  @Test("an assignment is told from a reservation by assigned_to and type, as strict clients do")
  func forms() throws {
    let fixture = try Fixture()
    let assignment = fixture.renderer.assignment(fixture.assignment, of: fixture.server)
    #expect(assignment["assigned_to"]?["href"] == .string("/metal/v1/devices/\(fixture.server.id)"))
    #expect(assignment["type"] == nil)
    #expect(assignment["management"] == false && assignment["public"] == true)
    #expect(assignment["address"] == "198.18.24.4" && assignment["network"] == "198.18.24.4")
    #expect(
      assignment["cidr"] == 30 && assignment["netmask"] == "255.255.255.252" && assignment["gateway"] == "198.18.24.5")
    #expect(assignment["parent_block"]?["href"] == .string("/metal/v1/ips/\(fixture.reservation.id)"))
    #expect(assignment["parent_block"]?["cidr"] == 29)

    let reservation = fixture.renderer.reservation(fixture.reservation)
    #expect(reservation["type"] == "public_ipv4" && reservation["assigned_to"] == nil)
    #expect(reservation["quantity"] == 8 && reservation["cidr"] == 29)
    #expect(reservation["assignments"] == [["href": .string("/metal/v1/ips/\(fixture.assignment.id)")]])
    #expect(reservation["available"] == .string("/metal/v1/ips/\(fixture.reservation.id)/available"))
    #expect(reservation["project"]?["href"] == .string("/metal/v1/projects/\(fixture.reservation.project)"))
    #expect(reservation["created_at"] == "2019-07-18T08:46:38Z")
  }

  @Test("a device has its own addresses first, and then those that are routed to it")
  func device() throws {
    let fixture = try Fixture()
    let addresses = try #require(fixture.renderer.device(fixture.server)["ip_addresses"])
    #expect((0..<5).map { addresses[$0]?["management"] } == [true, true, true, false, nil])
    #expect(addresses[3]?["id"] == .string("\(fixture.assignment.id)"))
  }

  @Test("an identifier below /ips means an address, an assignment or a reservation")
  func lookUp() throws {
    let fixture = try Fixture()
    guard case .address(let address, _) = try fixture.rack.whole.known(ip: "\(fixture.server.addresses[0].id)"),
      case .assignment(let assignment, _) = try fixture.rack.whole.known(ip: "\(fixture.assignment.id)"),
      case .reservation(let reservation) = try fixture.rack.whole.known(ip: "\(fixture.reservation.id)".uppercased())
    else {
      Issue.record("not what it is")
      return
    }
    #expect(address == fixture.server.addresses[0] && assignment == fixture.assignment)
    #expect(reservation == fixture.reservation)
    for unknown in ["\(fixture.server.id)", "x", ""] {
      let error = #expect(throws: APIError.self) { try fixture.rack.whole.known(ip: unknown) }
      #expect(error?.status == .notFound)
    }
  }

  @Test("a reservation is asked for by the number of addresses", arguments: [(1, 32), (2, 31), (4, 30), (8, 29)])
  func request(_ quantity: Int, _ length: Int) throws {
    let project = ProjectID(UUID())
    let body = #"""
      {"type": "public_ipv4", "quantity": "\#(quantity)", "metro": "ny", "details": null, "tags": {}, "customdata": {},
       "comments": "x", "fail_on_approval_required": false}
      """#
    let request = try ReservationRequest(Arguments(body: Array(body.utf8), query: [:]), project: project).request
    #expect(request == BlockRequest(project: project, facility: "ewr1", length: length))
  }

  @Test(
    "what cannot be reserved is named with what can",
    arguments: [
      ("{}", ["type is missing", "quantity is missing", "facility is missing"]),
      (
        #"{"type": "global_ipv4", "quantity": 1, "facility": "ewr1"}"#,
        [#""global_ipv4" cannot be reserved; valid is public_ipv4"#]
      ),
      (
        #"{"type": "public_ipv4", "quantity": 16, "facility": "ewr1"}"#,
        ["quantity 16 cannot be reserved; valid are 1, 2, 4 and 8"]
      ),
      (#"{"type": "public_ipv4", "quantity": 3, "facility": "lhr1"}"#, ["quantity 3", "lhr1"]),
      (
        #"{"type": 4, "quantity": [], "facility": "ewr1"}"#, ["type must be a text", "quantity must be a whole number"]
      ),
    ])
  func wrongRequest(_ body: String, _ says: [String]) throws {
    let error = #expect(throws: APIError.self) {
      try ReservationRequest(Arguments(body: Array(body.utf8), query: [:]), project: ProjectID(UUID()))
    }
    #expect(error?.status == .unprocessableContent && error?.messages.count == says.count)
    for (message, words) in zip(error?.messages ?? [], says) { #expect(message.contains(words), "\(message)") }
  }

  @Test("a block comes with or without a length, and is refused with bits behind it")
  func block() throws {
    func block(_ text: String) throws -> IPPrefix? {
      try Arguments(body: Array(#"{"address": "\#(text)"}"#.utf8), query: [:]).block("address")
    }
    #expect(try block("198.18.24.4/30")?.length == 30)
    #expect(try block("198.18.24.4")?.length == 32)
    for wrong in ["198.18.24.5/30", "198.18.24.4/33", "web1", ""] {
      let error = #expect(throws: APIError.self) { try block(wrong) }
      #expect(error?.messages.first?.hasPrefix("address is not valid") == true)
    }
  }

  @Test(
    "reservations are filtered by facility, and by what they all are",
    arguments: [
      ([:], true), (["facility": "ewr1"], true), (["facility": "sjc1"], false), (["types": "public_ipv4,vrf"], true),
      (["types": "private_ipv4"], false), (["ipv4": "true", "public": "true"], true), (["ipv4": "false"], false),
      (["public": "false"], false),
    ] as [([String: String], Bool)])
  func filter(_ query: [String: String], _ isListed: Bool) throws {
    let filter = try ReservationFilter(Arguments(body: [], query: query))
    #expect(filter.matches(try Fixture().reservation) == isListed)
  }
}
