// swift-tools-version: 6.2
// The arrows between layers. A dependency that is not listed here does not exist; docs/ARCHITECTURE.md says why.

import PackageDescription

/// Swift 6 mode with every warning an error, for all targets.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

/// The layers that touch raw memory also mark each unsafe expression, and prove their hot paths in release builds.
let data: [SwiftSetting] =
  strict + [
    .strictMemorySafety(),
    .enableExperimentalFeature("Lifetimes"),
    .define("HOT_PATH_PROOF", .when(configuration: .release)),
  ]

let package = Package(
  name: "toprack",
  products: [
    .executable(name: "toprackd", targets: ["toprackd"]),
    .executable(name: "toprack", targets: ["toprack"]),
    .executable(name: "toprack-sos-session", targets: ["toprack-sos-session"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
    .package(url: "https://github.com/apple/swift-async-algorithms", from: "1.1.4"),
    .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
    .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: ["YAML"]),
    .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
    .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
    .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
  ],
  targets: [
    // Addresses, identifiers, times: what both planes speak of.
    .target(name: "Net", swiftSettings: data),
    // What is wrong with a link, as a setting and as what becomes of each frame. Pure; virtual time.
    .target(name: "Impairments", dependencies: ["Net"], swiftSettings: data),

    // Forwarding plane, bottom up.
    .target(name: "CPort"),
    .target(name: "Wire", dependencies: ["Net"], swiftSettings: data),
    .target(name: "Switching", dependencies: ["Net", "Wire"], swiftSettings: data),
    .target(name: "Ports", dependencies: ["CPort", "Wire"], swiftSettings: data),
    .target(name: "LinkAggregation", dependencies: ["Net", "Wire"], swiftSettings: data),
    .target(name: "Gateway", dependencies: ["Net", "Switching", "Wire"], swiftSettings: data),
    .systemLibrary(name: "CPcap", pkgConfig: "libpcap", providers: [.apt(["libpcap-dev"])]),
    // Values and records from one thread to another.
    .target(name: "Rings", swiftSettings: data),
    // Who looks at frames: watches and the log of drops.
    .target(name: "Observers", dependencies: ["CPcap", "Rings", "Switching", "Wire"], swiftSettings: data),
    .target(
      name: "Dataplane",
      dependencies: [
        "Gateway", "Impairments", "LinkAggregation", "Net", "Observers", "Ports", "Rings", "Switching", "Wire",
      ],
      swiftSettings: data),
    // Frames as files and lines.
    .target(name: "Capture", dependencies: ["CPcap", "Net", "Observers", "Switching", "Wire"], swiftSettings: data),

    // Control plane.
    .target(name: "Rack", dependencies: ["Impairments", "Net"], swiftSettings: strict),
    // What a drop means, and what to change, by the rack's facts. Pure.
    .target(name: "Advice", dependencies: ["Net", "Rack", "Switching", "Wire"], swiftSettings: strict),
    // What the wire has to be for a rack, and the difference between two. Pure.
    .target(
      name: "Cabling", dependencies: ["Gateway", "Impairments", "Net", "Rack", "Switching", "Wire"],
      swiftSettings: data),
    // Whatever touches the host's network, but frames.
    .target(name: "CHost"),
    .target(
      name: "Host",
      dependencies: [
        "Cabling", "CHost", "CPort", "Net", "Ports", "Rack", "Switching", "Wire",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: data),
    .target(
      name: "Store",
      dependencies: ["Impairments", "Net", "Rack", .product(name: "GRDB", package: "GRDB.swift")],
      swiftSettings: strict),
    .target(
      name: "Control",
      dependencies: [
        "Cabling", "Capture", "Dataplane", "Gateway", "Host", "Impairments", "LinkAggregation", "Net", "Observers",
        "Ports", "Rack", "Store", "Switching", "Wire",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict),
    .systemLibrary(name: "CCrypt"),
    // Consoles: what they do as values, and the edge that does it.
    .target(name: "Machines", dependencies: ["Net"], swiftSettings: strict),
    .target(
      name: "Consoles",
      dependencies: [
        "Host", "Machines", "Net", "Ports", "Rack",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      swiftSettings: strict),
    // Virtual machines: QEMU, and the way between its NICs and the servers'.
    .target(
      name: "MachineHost",
      dependencies: [
        "Host", "Machines", "Net", "Ports", "Rack",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      swiftSettings: strict),
    // What sshd starts for a console; C, because it starts with each login.
    .executableTarget(name: "toprack-sos-session"),
    // What is set up in a server's namespace: as values, and by ip(8).
    .target(name: "Guest", dependencies: ["Host", "Net", "Ports", "Rack"], swiftSettings: strict),
    // Questions that are asked from inside servers' networks, and what came of them.
    .target(
      name: "Checks",
      dependencies: [
        "Guest", "Host", "Net", "Ports", "Rack",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ],
      swiftSettings: strict),
    // Whole labs from one file: the file as a value, its reader and writer, and what applying it would do. Pure.
    .target(
      name: "Labs", dependencies: ["Impairments", "Net", "Rack", .product(name: "Yams", package: "Yams")],
      swiftSettings: strict),
    // Questions about the wire: frames made to be asked about, and what is wrong between two servers. Pure.
    .target(name: "Diagnosis", dependencies: ["Net", "Rack", "Wire"], swiftSettings: strict),
    .target(name: "COpenAPI"),
    .target(name: "CPortal"),
    .target(
      name: "API",
      dependencies: [
        "Advice", "Capture", "CCrypt", "Checks", "Consoles", "Control", "COpenAPI", "CPortal", "Diagnosis", "Guest",
        "Host", "Impairments", "Labs", "MachineHost", "Machines", "Net", "Observers", "Rack", "Switching", "Wire",
        .product(name: "AsyncAlgorithms", package: "swift-async-algorithms"),
        .product(name: "Crypto", package: "swift-crypto"),
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdCore", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "Mustache", package: "swift-mustache"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "NIOWebSocket", package: "swift-nio"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "SwiftASN1", package: "swift-asn1"),
        .product(name: "X509", package: "swift-certificates"),
      ],
      exclude: ["openapi.yaml", "Portal/Assets"], swiftSettings: strict),

    // Programs: they assemble, and nothing else.
    .target(name: "CCrash"),
    .executableTarget(
      name: "toprackd",
      dependencies: [
        "API", "CCrash", "Checks", "Consoles", "Control", "Dataplane", "Guest", "Host", "MachineHost", "Machines",
        "Ports", "Rack", "Store",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "Configuration", package: "swift-configuration"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "UnixSignals", package: "swift-service-lifecycle"),
        .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "toprack",
      dependencies: [
        "Diagnosis", "Host", "Labs", "MachineHost", "Machines", "Net", "Ports", "Rack", "Store",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "NIOWebSocket", package: "swift-nio"),
      ],
      swiftSettings: strict),
    .target(name: "AllocationCounter", path: "Benchmarks/AllocationCounter"),
    .executableTarget(
      name: "forwarding-bench",
      dependencies: ["AllocationCounter", "Dataplane", "Gateway", "Host", "Net", "Ports", "Switching", "Wire"],
      path: "Benchmarks/Forwarding", swiftSettings: data),
    .executableTarget(
      name: "api-bench",
      dependencies: [
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "AsyncHTTPClient", package: "async-http-client"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
      ],
      path: "Benchmarks/API", swiftSettings: strict),

    // Tests: no root but for Integration, which makes real TAPs and checks frames with libpcap.
    .testTarget(name: "NetTests", dependencies: ["Net"], path: "Tests/Net", swiftSettings: strict),
    .testTarget(
      name: "ImpairmentsTests", dependencies: ["Impairments", "Net"], path: "Tests/Impairments", swiftSettings: data),
    .testTarget(name: "WireTests", dependencies: ["Net", "Wire"], path: "Tests/Wire", swiftSettings: data),
    .testTarget(
      name: "HostTests",
      dependencies: [
        "CHost", "Dataplane", "Host", "Net", "Ports", "Rack", "Switching", "Wire",
        .product(name: "Logging", package: "swift-log"),
      ],
      path: "Tests/Host", swiftSettings: data),
    .testTarget(
      name: "SwitchingTests", dependencies: ["Net", "Switching", "Wire"], path: "Tests/Switching",
      swiftSettings: data),
    .testTarget(
      name: "DataplaneTests",
      dependencies: [
        "Dataplane", "Gateway", "Host", "Impairments", "LinkAggregation", "Net", "Observers", "Ports", "Switching",
        "Wire",
      ],
      path: "Tests/Dataplane", swiftSettings: data),
    .testTarget(
      name: "GatewayTests", dependencies: ["Gateway", "Net", "Switching", "Wire"], path: "Tests/Gateway",
      swiftSettings: data),
    .testTarget(
      name: "LinkAggregationTests", dependencies: ["LinkAggregation", "Net", "Wire"], path: "Tests/LinkAggregation",
      swiftSettings: data),
    .testTarget(
      name: "AdviceTests", dependencies: ["Advice", "Net", "Rack", "Switching", "Wire"], path: "Tests/Advice",
      swiftSettings: strict),
    .testTarget(
      name: "CaptureTests", dependencies: ["CPcap", "Capture", "Net", "Observers", "Rings", "Switching", "Wire"],
      path: "Tests/Capture", exclude: ["Frames"], swiftSettings: data),
    .testTarget(
      name: "ObserversTests", dependencies: ["Net", "Observers", "Rings", "Switching", "Wire"],
      path: "Tests/Observers", swiftSettings: data),
    .testTarget(
      name: "RackTests", dependencies: ["Cabling", "Impairments", "Net", "Rack", "Wire"], path: "Tests/Rack",
      swiftSettings: strict),
    .testTarget(
      name: "CablingTests", dependencies: ["Cabling", "Impairments", "Net", "Rack", "Switching", "Wire"],
      path: "Tests/Cabling", swiftSettings: data),
    .testTarget(
      name: "MachinesTests", dependencies: ["Machines", "Net"], path: "Tests/Machines", swiftSettings: strict),
    .testTarget(
      name: "MachineHostTests",
      dependencies: [
        "Host", "MachineHost",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
      ],
      path: "Tests/MachineHost", swiftSettings: strict),
    .testTarget(
      name: "ConsolesTests",
      dependencies: [
        "Consoles", "Machines", "Rack",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
      ],
      path: "Tests/Consoles", swiftSettings: strict),
    .testTarget(
      name: "GuestTests", dependencies: ["Guest", "Net", "Rack"], path: "Tests/Guest", swiftSettings: strict),
    .testTarget(name: "ChecksTests", dependencies: ["Checks"], path: "Tests/Checks", swiftSettings: strict),
    .testTarget(
      name: "DiagnosisTests", dependencies: ["Diagnosis", "Net", "Rack"], path: "Tests/Diagnosis",
      swiftSettings: strict),
    .testTarget(
      name: "LabsTests", dependencies: ["Impairments", "Labs", "Net", "Rack", "Store"], path: "Tests/Labs",
      swiftSettings: strict),
    .testTarget(
      name: "StoreTests",
      dependencies: ["Impairments", "Net", "Rack", "Store", .product(name: "GRDB", package: "GRDB.swift")],
      path: "Tests/Store", swiftSettings: strict),
    .testTarget(
      name: "ControlTests",
      dependencies: [
        "Cabling", "Control", "Dataplane", "Gateway", "Host", "Net", "Observers", "Ports", "Rack", "Store",
        "Switching", "Wire",
        .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "Logging", package: "swift-log"),
      ],
      path: "Tests/Control", swiftSettings: strict),
    .testTarget(
      name: "APITests",
      dependencies: [
        "API", "Checks", "Consoles", "Control", "Host", "Impairments", "Labs", "Net", "Rack", "Switching",
        .product(name: "HTTPTypes", package: "swift-http-types"),
        .product(name: "Hummingbird", package: "hummingbird"),
        .product(name: "HummingbirdTesting", package: "hummingbird"),
        .product(name: "Logging", package: "swift-log"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOEmbedded", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
        .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
        .product(name: "SwiftASN1", package: "swift-asn1"),
        .product(name: "X509", package: "swift-certificates"),
        .product(name: "Yams", package: "Yams"),
      ],
      path: "Tests/API", exclude: ["Golden"], swiftSettings: strict),
    .testTarget(
      name: "CommandLineTests",
      dependencies: [
        "Machines", "Net", "Rack", "toprack",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
        .product(name: "NIOCore", package: "swift-nio"),
      ],
      path: "Tests/CommandLine", swiftSettings: strict),
    .testTarget(
      name: "IntegrationTests",
      dependencies: ["CPcap", "Guest", "Net", "Rack", "Store", .product(name: "GRDB", package: "GRDB.swift")],
      path: "Tests/Integration", swiftSettings: strict),
  ]
)
