package render

import "golang.org/x/sys/unix"

const auditArchitecture = unix.AUDIT_ARCH_AARCH64

// architectureCalls: arm64 came without the older calls.
func architectureCalls() []uint32 { return nil }
