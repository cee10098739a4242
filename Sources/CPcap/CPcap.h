/* CPcap: libpcap for Swift, and beside it what reading and writing frames on a Linux interface takes and Swift's
 * Glibc module leaves out: packet sockets (packet(7)) and entering a network namespace (setns(2)). Declarations
 * only; nothing here is code of ours. */
#ifndef CPCAP_H
#define CPCAP_H

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <pcap/pcap.h>

/* glibc hides these two behind _GNU_SOURCE, which the importer of Glibc does not set. */
int setns(int descriptor, int kind);
int pidfd_open(int pid, unsigned int flags);

#endif
