package revision

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// folderPrefix begins the names of the folders of this package.
	folderPrefix = "assay-revisions-"
	// mostMemory is what two sides may take of a file system in memory, in bytes,
	// and leastMemory what is worth a try.
	mostMemory  = 128 << 20
	leastMemory = 4 << 20
	// leftBehind is the age at which a folder in memory is one of a process that
	// was killed: no comparison takes as long.
	leftBehind = 24 * time.Hour
)

// place is a folder that a store is made in.
type place struct {
	// dir is empty for the system's folder for temporary files.
	dir string
	// most is what may be written, in bytes; zero for a disk, which is bounded by
	// the limits alone.
	most int64
}

// findMemory is a file system in memory with room, if there is one and the user
// names no folder: making ten thousand small files there takes a tenth of a
// second, and on a disk up to five.
func findMemory(shared string) place {
	free, is := freeMemory(shared)
	most := min(mostMemory, free/2)
	if os.Getenv("TMPDIR") != "" || !is || most < leastMemory {
		return place{}
	}
	clearBehind(shared)
	return place{dir: shared, most: most}
}

// clearBehind removes what killed processes left. What belongs to others cannot
// be removed, and stays.
func clearBehind(shared string) {
	found, err := os.ReadDir(shared)
	if err != nil {
		return
	}
	for _, each := range found {
		if info, err := each.Info(); err == nil && each.IsDir() && strings.HasPrefix(each.Name(), folderPrefix) && time.Since(info.ModTime()) > leftBehind {
			_ = os.RemoveAll(filepath.Join(shared, each.Name()))
		}
	}
}
