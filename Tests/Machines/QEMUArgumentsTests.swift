import Testing

@testable import Machines

@Suite("Arguments for QEMU") struct QEMUArgumentsTests {
  private static let nics = [
    VirtualNIC(name: "eth0", mac: "02:00:00:00:07:00", back: .tap("vm12")),
    VirtualNIC(name: "eth1", mac: "02:00:00:00:07:01", back: .macvtap(descriptor: 11, interface: "mv13")),
  ]

  @Test("a machine with a disk: NICs first, the serial line on a socket, the boot ROM behind the disk")
  func disk() {
    let arguments = QEMUArguments(
      name: "web1", disk: .init("/images/a,b.qcow2", .qcow2, isSnapshot: true), nics: Self.nics, memory: 1 << 30,
      cpus: 2, accelerator: .kvm, console: "/run/c/web1.sock", consoleLog: "/run/c/web1.log", monitor: "/run/c/qmp",
      seed: "/run/c/seed")
    #expect(
      arguments.words.joined(separator: " ") == """
        -name guest=web1 -machine pc,accel=kvm -cpu host -smp 2 -m 1024M -nodefaults -no-user-config -display none \
        -rtc base=utc \
        -netdev tap,id=nic0,ifname=vm12,script=no,downscript=no,vhost=off \
        -device virtio-net-pci,netdev=nic0,mac=02:00:00:00:07:00,speed=10000,duplex=full,bootindex=1 \
        -netdev tap,id=nic1,fd=11,vhost=off \
        -device virtio-net-pci,netdev=nic1,mac=02:00:00:00:07:01,speed=10000,duplex=full,bootindex=2 \
        -drive if=none,id=disk,file=/images/a,,b.qcow2,format=qcow2,snapshot=on \
        -device virtio-blk-pci,drive=disk,bootindex=0 \
        -drive if=none,id=seed,file=/run/c/seed,format=raw,read-only=on \
        -device virtio-blk-pci,drive=seed \
        -chardev socket,id=console,path=/run/c/web1.sock,server=on,wait=off,logfile=/run/c/web1.log,logappend=on \
        -serial chardev:console -device virtio-rng-pci \
        -chardev socket,id=monitor,path=/run/c/qmp,server=on,wait=off -mon chardev=monitor,mode=control
        """)
  }

  @Test("a machine with a kernel: its words as they are, and no boot ROM that would be asked first")
  func kernel() {
    let arguments = QEMUArguments(
      name: "web1", disk: .init("/d", .raw), kernel: .init("/k,1", initrd: "/i", append: "console=ttyS0 a=b,c"),
      nics: Self.nics, memory: (256 << 20) + 1)
    let words = arguments.words
    for pair in [
      ["-kernel", "/k,1"], ["-initrd", "/i"], ["-append", "console=ttyS0 a=b,c"], ["-m", "257M"],
      ["-machine", "pc,accel=tcg"], ["-cpu", "max"], ["-drive", "if=none,id=disk,file=/d,format=raw"],
    ] {
      #expect(words.firstIndex(of: pair[0]).map { words[$0 + 1] } == pair[1])
    }
    #expect(words.filter { $0.hasSuffix(",duplex=full,romfile=") }.count == 2)
    #expect(!words.contains { $0.contains("bootindex") || $0.contains("chardev") })
    let bare = QEMUArguments(name: "web1", kernel: .init("/k"), nics: []).words
    #expect(!bare.contains("-initrd") && !bare.contains("-append") && !bare.contains("-netdev"))
  }

  @Test("a machine that boots from the network asks by its first NIC first")
  func network() {
    let words = QEMUArguments(name: "web1", nics: Self.nics).words
    #expect(words.filter { $0.contains(",bootindex=") }.map { $0.suffix(1) } == ["0", "1"])
    #expect(!words.contains { $0.hasPrefix("if=none") })
  }

  @Test("what joins somebody else's machine: NICs and serial line, with the boot ROM or without")
  func attachment() {
    #expect(
      QEMUArguments.attachment(of: [Self.nics[0]], console: "/run/c/web1.sock") == [
        "-netdev", "tap,id=nic0,ifname=vm12,script=no,downscript=no,vhost=off", "-device",
        "virtio-net-pci,netdev=nic0,mac=02:00:00:00:07:00,speed=10000,duplex=full", "-chardev",
        "socket,id=console,path=/run/c/web1.sock,server=on,wait=off", "-serial", "chardev:console",
      ])
    let plain = QEMUArguments.attachment(of: Self.nics, console: nil, bootROM: false)
    #expect(plain.count == 8 && plain.filter { $0.hasSuffix(",romfile=") }.count == 2)
  }

  @Test("a disk's format is read once, from its beginning")
  func formats() {
    func format(_ header: [UInt8]) -> DiskFormat { DiskFormat(header: header) }
    #expect(format([]) == .raw)
    #expect(format(Array("QFI".utf8)) == .raw)
    #expect(format(Array("QFI".utf8) + [0xFB, 0, 0, 0, 3]) == .qcow2)
    #expect(format(Array("KDMV".utf8)) == .vmdk)
    #expect(format(Array("vhdxfile".utf8)) == .vhdx)
    #expect(format(Array("conectix".utf8)) == .vpc)
    var vdi = Array("<<< Oracle VM VirtualBox Disk Image >>>\n".utf8)
    vdi += [UInt8](repeating: 0, count: 0x40 - vdi.count) + [0x7F, 0x10, 0xDA, 0xBE]
    #expect(format(vdi) == .vdi)
    #expect(format([0x33, 0xC0] + [UInt8](repeating: 0, count: 508) + [0x55, 0xAA]) == .raw)
  }
}
