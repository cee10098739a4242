// The compiler's word that nothing a routed packet meets here allocates, locks or counts references: in a release build it rejects
// anything reachable from these functions that does, and names the line. The attribute is underscored, so it stays in this one
// file of the module.

#if HOT_PATH_PROOF
  import Switching
  import Wire

  @_noLocks func proveRoute(
    _ router: inout Router, _ frame: inout FrameBuffer, _ header: FrameHeader, _ size: Int, _ port: PortIndex
  ) -> RouteVerdict {
    router.route(&frame, header, packetSize: size, from: port)
  }
#endif
