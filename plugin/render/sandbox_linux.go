//go:build amd64 || arm64

package render

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// dataHeadroom is what Go maps ahead of what it uses; the ceiling itself is
// held by the parent, which looks at what is resident.
const dataHeadroom = 256 << 20

// enterSandbox takes from the process what a template has no use for: new
// sockets, programs, processes, writing, other processes' memory. It cannot be
// undone.
func enterSandbox(memory int64) error {
	limits := []struct {
		resource int
		value    uint64
		name     string
	}{
		{unix.RLIMIT_DATA, uint64(memory) + dataHeadroom, "RLIMIT_DATA"},
		{unix.RLIMIT_CORE, 0, "RLIMIT_CORE"},
		{unix.RLIMIT_FSIZE, 0, "RLIMIT_FSIZE"},
	}
	for _, limit := range limits {
		if err := unix.Setrlimit(limit.resource, &unix.Rlimit{Cur: limit.value, Max: limit.value}); err != nil {
			return fmt.Errorf("entering the sandbox: setting %s: %w", limit.name, err)
		}
	}
	runtime.LockOSThread() // no_new_privs and the filter must be set by one thread
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("entering the sandbox: forbidding dumps: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("entering the sandbox: giving up new privileges: %w", err)
	}
	filter := newFilter(os.Getpid())
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	// TSYNC puts every thread of the process under the filter; its answer is the
	// id of a thread that could not be.
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(filter)
	if errno != 0 || thread != 0 {
		return fmt.Errorf("entering the sandbox: installing the system call filter: %w (thread %d)", errno, thread)
	}
	return nil
}

// Offsets in struct seccomp_data (seccomp(2)); both architectures are little
// endian, so an argument's low half comes first.
const (
	offsetNumber   = 0
	offsetArch     = 4
	offsetArgument = 16
)

func statement(code uint16, value uint32) unix.SockFilter {
	return unix.SockFilter{Code: code, K: value}
}

func jump(code uint16, value uint32, yes, no uint8) unix.SockFilter {
	return unix.SockFilter{Code: code, K: value, Jt: yes, Jf: no}
}

func load(offset uint32) unix.SockFilter {
	return statement(unix.BPF_LD|unix.BPF_W|unix.BPF_ABS, offset)
}

func answer(value uint32) unix.SockFilter { return statement(unix.BPF_RET|unix.BPF_K, value) }

const (
	jumpEqual   = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	jumpSet     = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
	jumpAtLeast = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
	denied      = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	unknown     = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
)

// x32 numbers of amd64 carry this bit and would pass a list of plain numbers.
const x32Bit = 0x40000000

// newFilter lets through what is not forbidden: the Go runtime's own needs
// change from version to version, what a template may not do does not.
func newFilter(pid int) []unix.SockFilter {
	filter := []unix.SockFilter{
		load(offsetArch), jump(jumpEqual, auditArchitecture, 1, 0), answer(unix.SECCOMP_RET_KILL_PROCESS),
		load(offsetNumber), jump(jumpAtLeast, x32Bit, 0, 1), answer(unix.SECCOMP_RET_KILL_PROCESS),
	}
	for _, number := range append(forbiddenCalls(), architectureCalls()...) {
		filter = append(filter, jump(jumpEqual, number, 0, 1), answer(denied))
	}
	for _, number := range []uint32{unix.SYS_CLONE3, unix.SYS_OPENAT2} {
		// Their arguments lie in memory, where a filter cannot look; callers fall
		// back to clone and openat when told that these do not exist.
		filter = append(filter, jump(jumpEqual, number, 0, 1), answer(unknown))
	}
	const writing = unix.O_WRONLY | unix.O_RDWR | unix.O_CREAT | unix.O_TRUNC
	filter = append(filter,
		// clone makes threads, never processes.
		jump(jumpEqual, unix.SYS_CLONE, 0, 4), load(offsetArgument), jump(jumpSet, unix.CLONE_THREAD, 1, 0), answer(denied), answer(unix.SECCOMP_RET_ALLOW),
		// signals go to the process itself, as the runtime's preemption does.
		jump(jumpEqual, unix.SYS_TGKILL, 0, 4), load(offsetArgument), jump(jumpEqual, uint32(pid), 1, 0), answer(denied), answer(unix.SECCOMP_RET_ALLOW),
		// files are opened to be read.
		jump(jumpEqual, unix.SYS_OPENAT, 0, 4), load(offsetArgument+2*8), jump(jumpSet, writing, 0, 1), answer(denied), answer(unix.SECCOMP_RET_ALLOW),
	)
	return append(filter, answer(unix.SECCOMP_RET_ALLOW))
}

// forbiddenCalls exist on every architecture.
func forbiddenCalls() []uint32 {
	return []uint32{
		unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_ACCEPT, unix.SYS_ACCEPT4,
		unix.SYS_SENDTO, unix.SYS_SENDMSG, unix.SYS_SENDMMSG, unix.SYS_RECVFROM, unix.SYS_RECVMSG, unix.SYS_RECVMMSG,
		unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV,
		unix.SYS_KILL, unix.SYS_TKILL, unix.SYS_RT_SIGQUEUEINFO, unix.SYS_RT_TGSIGQUEUEINFO,
		unix.SYS_PIDFD_OPEN, unix.SYS_PIDFD_GETFD, unix.SYS_PIDFD_SEND_SIGNAL, unix.SYS_PRLIMIT64,
		unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
		unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
		unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_SETNS, unix.SYS_UNSHARE,
		unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT, unix.SYS_FSOPEN, unix.SYS_FSMOUNT, unix.SYS_OPEN_BY_HANDLE_AT,
		unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_REBOOT,
		unix.SYS_SHMGET, unix.SYS_MSGGET, unix.SYS_SEMGET, unix.SYS_MQ_OPEN,
		unix.SYS_UNLINKAT, unix.SYS_MKDIRAT, unix.SYS_MKNODAT, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2, unix.SYS_LINKAT, unix.SYS_SYMLINKAT,
		unix.SYS_TRUNCATE, unix.SYS_FTRUNCATE, unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_FCHOWN, unix.SYS_FCHOWNAT,
		unix.SYS_UTIMENSAT, unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR,
	}
}
