import FoundationEssentials
import Rack
import Testing

@Suite("Catalogue") struct CatalogueTests {
  @Test("entries are found by name, legacy name and identifier, in either case")
  func lookUp() {
    #expect(Catalogue.plan("baremetal_1e")?.slug == "x1.small.x86")
    #expect(Catalogue.plan("BAREMETAL_0")?.slug == "t1.small.x86")
    #expect(Catalogue.plan("C3.Small.x86") == Catalogue.defaultPlan)
    #expect(Catalogue.plan("c9") == nil)
    for facility in Catalogue.facilities {
      #expect(Catalogue.facility(facility.code.uppercased()) == facility)
      #expect(Catalogue.facility(facility.id.uuidString) == facility)
      #expect(Catalogue.metro(facility.metro)?.code == facility.metro)
      #expect(facility.features.contains("layer_2"))
    }
    for plan in Catalogue.plans { #expect(plan.nics.map(\.count) == [2], "\(plan.slug)") }
    for system in Catalogue.operatingSystems { #expect(Catalogue.operatingSystem(system.slug) == system) }
    #expect(Catalogue.defaultOperatingSystem.slug == "debian_12")
    #expect(Catalogue.defaultFacility.code == "ewr1")
  }

  @Test("identifiers are valid, distinct, and the same in every version")
  func identifiers() {
    let all =
      Catalogue.facilities.map(\.id) + Catalogue.metros.map(\.id) + Catalogue.plans.map(\.id)
      + Catalogue.operatingSystems.map(\.id)
    #expect(Set(all).count == all.count)
    for id in all {
      let text = Array(id.uuidString)
      #expect(text[14] == "8" && "89AB".contains(text[19]))
    }
    #expect(Catalogue.defaultFacility.id.uuidString == "978DCA93-A026-860D-A9D2-A1B826CA1FDD")
    #expect(Catalogue.defaultPlan.id.uuidString == "9C417A1B-244F-8355-9907-3FAADD352945")
  }

  @Test(
    "the newer facilities are in their metros, have ibx, and none of the retired plans; the older ones have every plan")
  func generations() throws {
    let new = Catalogue.facilities.filter { $0.features.contains("ibx") }
    #expect(
      new.map(\.code) == ["ny5", "sv15", "dc13", "da11", "am6"] && new.map(\.metro) == ["ny", "sv", "dc", "da", "am"])
    for facility in Catalogue.facilities {
      let absent = Catalogue.plans.filter { !facility.has($0) }.map(\.slug)
      #expect(absent.contains("t1.small.x86") == new.contains(facility) && !absent.contains("c3.small.x86"))
      #expect(absent.isEmpty == !new.contains(facility))
    }
    #expect(
      Catalogue.plan("t1.small.x86")?.facilities.count == 8 && Catalogue.plan("m3.small.x86")?.facilities.count == 13)
  }

  @Test("three plans are special in layer 2, the rest have all modes")
  func layer2() {
    let special = Catalogue.plans.filter { $0.layer2 != .all }
    #expect(special.map(\.slug) == ["t1.small.x86", "c1.small.x86", "x1.small.x86"])
    #expect(special.map(\.layer2) == [.none, .none, .hybridOnly])
    #expect(special.map(\.bondingMode) == [.balanceTLB, .lacp, .balanceTLB])
    #expect(Catalogue.plans.filter { $0.layer2 == .all }.allSatisfy { $0.bondingMode == .lacp && $0.modes.count == 4 })
  }

  private func read(_ json: String) throws -> CatalogueContents {
    try JSONDecoder().decode(CatalogueContents.self, from: Data(json.utf8))
  }

  @Test("its text is the catalogue again, and lists that a text lacks are the built-in ones")
  func text() throws {
    let all = CatalogueContents.builtIn
    #expect(all.faults == [])
    #expect(try JSONDecoder().decode(CatalogueContents.self, from: try JSONEncoder().encode(all)) == all)
    #expect(try read("{}") == all)
    let own = try read(#"{"plans": [{"slug": "lab.small"}]}"#)
    #expect(own.facilities == all.facilities && own.plans.map(\.slug) == ["lab.small"] && own.faults == [])
    let plan = own.plans[0]
    #expect(plan.layer2 == .all && plan.bondingMode == .lacp && plan.nics.map(\.count) == [2] && !plan.isRetired)
  }

  @Test("a facility of one's own gets a share of the addresses that is free; a built-in one keeps its own")
  func shares() throws {
    let contents = try read(
      #"{"metros": [{"code": "lo", "name": "London", "country": "GB"}], "facilities": ["#
        + #"{"code": "ldn1", "name": "London 1", "metro": "lo"}, {"code": "ewr1", "name": "E", "metro": "lo"}, "#
        + #"{"code": "ldn2", "name": "London 2", "metro": "lo"}]}"#)
    #expect(contents.faults == [])
    let text = String(decoding: try JSONEncoder().encode(contents.facilities), as: UTF8.self)
    for share in [1, 0, 2] { #expect(text.contains("\"share\":\(share)"), "\(text)") }
  }

  @Test(
    "what cannot be is said, each thing of it",
    arguments: [
      (#"{"plans": []}"#, "there is no plan"), (#"{"plans": [{"slug": "A B"}]}"#, "plan \"A B\" is not valid"),
      (#"{"plans": [{"slug": "a"}, {"slug": "a"}]}"#, "there twice"),
      (#"{"plans": [{"slug": "a"}, {"slug": "b", "legacy_slug": "a"}]}"#, "one slug or legacy_slug"),
      (#"{"plans": [{"slug": "a", "nics": [{"count": 4, "type": "x"}]}]}"#, "must have 2 NICs"),
      (#"{"facilities": [{"code": "a", "name": "A", "metro": "zz"}]}"#, "metro \"zz\", which is not in the catalogue"),
      (#"{"facilities": [{"code": "a", "name": "A", "metro": "ny", "features": ["x"]}]}"#, "feature \"x\""),
      (#"{"facilities": [{"code": "a", "name": "A", "metro": "ny", "share": 16}]}"#, "0 to 15"),
      (
        #"{"facilities": [{"code": "a", "name": "A", "metro": "ny", "share": 1}, {"code": "b", "name": "B", "metro": "ny", "share": 1}]}"#,
        "two facilities have one share"
      ),
    ])
  func faults(_ json: String, _ words: String) throws {
    let faults = try read(json).faults
    #expect(faults.contains { $0.contains(words) }, "\(faults)")
  }

  @Test("a misspelt member is not taken for none, nor a bonding mode that the switch does not know")
  func misspelt() {
    for json in [
      #"{"plan": []}"#, #"{"plans": [{"slug": "a", "layer_2": "none"}]}"#, #"{"metros": [{"code": "a"}]}"#,
      #"{"plans": [{"slug": "a", "bonding_mode": 6}]}"#,
    ] {
      #expect(throws: DecodingError.self) { try read(json) }
    }
  }
}
