// What can be chosen from.

struct PlanList: Decodable {
  struct Plan: Decodable {
    struct Toprack: Decodable { let modes: [String] }
    let slug: String, description: String, toprack: Toprack
  }
  let plans: [Plan]
}

struct FacilityList: Decodable {
  struct Facility: Decodable {
    struct Metro: Decodable { let code: String }
    let code: String, name: String, metro: Metro?
  }
  let facilities: [Facility]
}

struct MetroList: Decodable {
  struct Metro: Decodable { let code: String, name: String, country: String }
  let metros: [Metro]
}

struct OperatingSystemList: Decodable {
  struct System: Decodable { let slug: String, name: String, provisionableOn: [String] }
  let operatingSystems: [System]
}

struct Capacity: Decodable {
  struct Level: Decodable { let level: String }
  /// By facility and plan.
  let capacity: [String: [String: Level]]
}
