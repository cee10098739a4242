import Testing

@testable import Machines

/// That libvirt's own schema takes it is tested where its package is: `VMAttachTests`.
@Suite("A domain of libvirt") struct LibvirtDomainTests {
  private static let domain = LibvirtDomain(
    name: "web1", uuid: "0e1b1a9c-0000-4000-8000-000000000001",
    nics: [
      VirtualNIC(name: "eth0", mac: "02:00:00:00:07:00", back: .tap("vm12")),
      VirtualNIC(name: "eth1", mac: "02:00:00:00:07:01", back: .macvtap(descriptor: 11, interface: "mv13")),
    ], console: "/run/c/it's.sock")

  @Test("is this text")
  func document() {
    #expect(
      Self.domain.document == """
        <domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
          <name>web1</name>
          <uuid>0e1b1a9c-0000-4000-8000-000000000001</uuid>
          <memory unit='MiB'>512</memory>
          <vcpu>1</vcpu>
          <os>
            <type arch='x86_64' machine='pc'>hvm</type>
            <boot dev='hd'/>
            <boot dev='network'/>
          </os>
          <features>
            <acpi/>
            <apic/>
          </features>
          <cpu mode='maximum'/>
          <devices>
            <interface type='ethernet'>
              <mac address='02:00:00:00:07:00'/>
              <target dev='vm12' managed='no'/>
              <model type='virtio'/>
              <alias name='ua-eth0'/>
            </interface>
            <interface type='ethernet'>
              <mac address='02:00:00:00:07:01'/>
              <target dev='mv13' managed='no'/>
              <model type='virtio'/>
              <alias name='ua-eth1'/>
            </interface>
            <serial type='unix'>
              <source mode='bind' path='/run/c/it&apos;s.sock'/>
              <target port='0'/>
            </serial>
            <console type='unix'>
              <source mode='bind' path='/run/c/it&apos;s.sock'/>
              <target type='serial' port='0'/>
            </console>
          </devices>
          <qemu:override>
            <qemu:device alias='ua-eth0'>
              <qemu:frontend>
                <qemu:property name='speed' type='signed' value='10000'/>
                <qemu:property name='duplex' type='string' value='full'/>
              </qemu:frontend>
            </qemu:device>
            <qemu:device alias='ua-eth1'>
              <qemu:frontend>
                <qemu:property name='speed' type='signed' value='10000'/>
                <qemu:property name='duplex' type='string' value='full'/>
              </qemu:frontend>
            </qemu:device>
          </qemu:override>
        </domain>

        """)
  }

  @Test("with KVM it is a domain of KVM with the host's processor")
  func accelerated() {
    var domain = Self.domain
    domain.accelerator = .kvm
    #expect(domain.document.hasPrefix("<domain type='kvm' "))
    #expect(domain.document.contains("<cpu mode='host-passthrough'/>"))
  }

  @Test("a fragment has interfaces, serial line and override, and says where they belong")
  func fragment() {
    let fragment = Self.domain.fragment
    #expect(fragment.hasPrefix("<!-- into <devices> -->\n<interface type='ethernet'>\n"))
    #expect(fragment.contains("</console>\n<!-- into <domain>, which has to have xmlns:qemu='http://libvirt.org/"))
    #expect(fragment.hasSuffix("</qemu:override>\n"))
    #expect(!fragment.contains("<domain ") && !fragment.contains("<name>"))
    #expect(Self.domain.fragment.contains("<serial type='unix'>"))
  }
}
