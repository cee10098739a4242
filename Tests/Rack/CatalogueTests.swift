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

  @Test("the newer facilities are in their metros, have ibx, and none of the retired plans; the older ones have every plan")
  func generations() throws {
    let new = Catalogue.facilities.filter { $0.features.contains("ibx") }
    #expect(new.map(\.code) == ["ny5", "sv15", "dc13", "da11", "am6"] && new.map(\.metro) == ["ny", "sv", "dc", "da", "am"])
    for facility in Catalogue.facilities {
      let absent = Catalogue.plans.filter { !facility.has($0) }.map(\.slug)
      #expect(absent.contains("t1.small.x86") == new.contains(facility) && !absent.contains("c3.small.x86"))
      #expect(absent.isEmpty == !new.contains(facility))
    }
    #expect(Catalogue.plan("t1.small.x86")?.facilities.count == 8 && Catalogue.plan("m3.small.x86")?.facilities.count == 13)
  }

  @Test("three plans are special in layer 2, the rest have all modes")
  func layer2() {
    let special = Catalogue.plans.filter { $0.layer2 != .all }
    #expect(special.map(\.slug) == ["t1.small.x86", "c1.small.x86", "x1.small.x86"])
    #expect(special.map(\.layer2) == [.none, .none, .hybridOnly])
    #expect(special.map(\.bondingMode) == [5, 4, 5])
    #expect(Catalogue.plans.filter { $0.layer2 == .all }.allSatisfy { $0.bondingMode == 4 && $0.modes.count == 4 })
  }
}
