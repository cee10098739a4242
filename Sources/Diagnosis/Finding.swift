/// One thing that is wrong between two servers.
public struct Finding: Hashable, Sendable {
  /// What the API calls it, the most likely first: when several are found, they come in this order.
  public enum Cause: String, Hashable, Sendable, CaseIterable {
    case poweredOff = "powered-off"
    case linkRemoved = "link-removed"
    case nicDown = "nic-down"
    case loop
    case otherProject = "other-project"
    case otherFacility = "other-facility"
    case noCommonNetwork = "no-common-network"
    case spoofedSource = "spoofed-source"
    case duplicateMAC = "duplicate-mac"
    case tagMismatch = "tag-mismatch"
    case vlanInterfaceMissing = "vlan-interface-missing"
    case neighbourSilent = "neighbour-silent"
    case storm
    case mtu
    case bondNoPartner = "bond-no-partner"
    case bondOneMember = "bond-one-member"
    case impaired
  }

  public var cause: Cause
  /// What is wrong, in a sentence without its full stop.
  public var text: String
  /// The command that cures it, or that shows what has to be known first.
  public var cure: String

  public init(_ cause: Cause, _ text: String, cure: String) {
    (self.cause, self.text, self.cure) = (cause, text, cure)
  }
}
