package revision

import "syscall"

// sharedMemory is where Linux has a file system in memory for everybody.
const sharedMemory = "/dev/shm"

// freeMemory is what is free in a file system in memory, in bytes, and whether
// it is one.
func freeMemory(dir string) (int64, bool) {
	const tmpfs = 0x01021994 // statfs(2), TMPFS_MAGIC
	var found syscall.Statfs_t
	if err := syscall.Statfs(dir, &found); err != nil || found.Type != tmpfs {
		return 0, false
	}
	return int64(found.Bavail) * found.Bsize, true
}
