/* SPDX-License-Identifier: MIT */
/* what the launcher and the VMM agree on: which file is passed where, and by which message */
#ifndef EXAMPLES_PASS_H
#define EXAMPLES_PASS_H

enum { PASS_KVM, PASS_IOMMU, PASS_DEVICE, PASS_COUNT };

#define PASS_SOCKET	3	/* descriptor of the VMM's end, kept open over its exec */
#define PASS_UID	65534	/* nobody */

#endif /* EXAMPLES_PASS_H */
