package harden

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/assay-gitops/assay/plugin"
)

/*
readOnlyRoot sets readOnlyRootFilesystem: true, with a volume of that size at
/tmp and at each volume that the image declares, unless something is mounted
there.

Held back: for root, who writes anywhere (pid files, caches, configuration that
a start script makes); for images whose configuration is not known; for those
that declare more volumes than the limit, or one where an empty directory would
break the container; and where a setting of Linux does not apply. A debugging
container is left alone.
*/
func readOnlyRoot(size string, most int64) setting {
	made := contextSetting("readOnlyRootFilesystem", "whoever breaks into the program cannot change it, nor leave another beside it",
		func(c *container) decision { return c.readOnlyRoot(size, most) })
	made.readsUser = true
	return made
}

func (c *container) readOnlyRoot(size string, most int64) decision {
	if c.list == "ephemeralContainers" {
		return decision{}
	}
	if held, stop := linuxOnly(c); stop {
		return held
	}
	if user := c.user; user.kind != userNonRoot {
		return decision{heldBack: user.reason + ", and may write anywhere", hint: user.hint, level: plugin.Warn}
	}
	if c.config() == nil {
		return decision{heldBack: "the image's configuration is not known, so neither is where it writes", level: plugin.Warn,
			hint: "see why it could not be read, or write the setting yourself"}
	}
	decided := decision{value: true}
	places := c.written()
	if reason := unmountable(places, most); reason != "" {
		return decision{heldBack: reason, level: plugin.Warn,
			hint: "mount a volume of your own there, or write the setting yourself with a volume for each place that the program writes to"}
	}
	names := c.volumeNames(len(places))
	for i, at := range places {
		volume := names[i]
		decided.beside = append(decided.beside,
			edit{c.pod.steps("volumes", atEnd{}), map[string]any{"name": volume, "emptyDir": map[string]any{"sizeLimit": size}}},
			edit{c.steps("volumeMounts", atEnd{}), map[string]any{"name": volume, "mountPath": at}},
		)
		decided.notes = append(decided.notes, fmt.Sprintf("with an emptyDir of at most %s at %s", size, at))
	}
	return decided
}

// written are the places that stay writable and have no mount yet, sorted. One
// below another is in it.
func (c *container) written() []string {
	wanted := []string{"/tmp"}
	for _, volume := range c.config().Volumes {
		wanted = append(wanted, path.Clean("/"+volume))
	}
	slices.Sort(wanted)
	var taken []string
	for list, field := range map[string]string{"volumeMounts": "mountPath", "volumeDevices": "devicePath"} {
		items, _ := c.fields[list].([]any)
		for _, item := range items {
			entry, _ := item.(map[string]any)
			if at, _ := entry[field].(string); at != "" {
				taken = append(taken, path.Clean(at))
			}
		}
	}
	var places []string
	for _, at := range slices.Compact(wanted) {
		if !slices.ContainsFunc(append(taken, places...), func(mounted string) bool { return within(at, mounted) }) {
			places = append(places, at)
		}
	}
	return places
}

// unmountable is why there must be no emptyDir at one of the places, or at all
// of them; empty when there may.
func unmountable(places []string, most int64) string {
	for _, at := range places {
		if reason := breaks(at); reason != "" {
			return fmt.Sprintf("the image declares a volume at %.80q, %s", at, reason)
		}
	}
	if int64(len(places)) > most {
		return fmt.Sprintf("the image declares so many volumes that %d emptyDirs would be needed (limit imageVolumes %d)", len(places), most)
	}
	return ""
}

// breaks is why an emptyDir at a place breaks the container, or empty.
func breaks(at string) string {
	const longestPath = 4096 // Linux, PATH_MAX
	switch {
	case at == "/":
		return "which is all of its file system"
	case slices.ContainsFunc([]string{"/proc", "/sys", "/dev"}, func(system string) bool { return within(at, system) }):
		return "where the container runtime mounts the kernel's own files"
	case slices.Contains([]string{"/bin", "/etc", "/lib", "/lib64", "/sbin", "/usr", "/usr/bin", "/usr/lib", "/usr/lib64", "/usr/sbin"}, at):
		return "and an empty directory would hide the system's own files"
	case strings.Contains(at, ":"): // core/v1 VolumeMount, mountPath: "Must not contain ':'"
		return "and a mount's path must not have a colon"
	case len(at) > longestPath, strings.ContainsFunc(at, unicode.IsControl), !utf8.ValidString(at):
		return "which is no path to mount at"
	}
	return ""
}

func within(at, mounted string) bool {
	return at == mounted || strings.HasPrefix(at, strings.TrimSuffix(mounted, "/")+"/")
}

// volumeNames are the same at each run, and no other volume's: those that
// [readOnlyRoot] made before may stand in the source already.
func (c *container) volumeNames(count int) []string {
	sum := sha256.Sum256([]byte(c.list + "\x00" + c.called()))
	taken := map[string]bool{}
	volumes, _ := c.pod.spec["volumes"].([]any)
	for _, item := range volumes {
		volume, _ := item.(map[string]any)
		name, _ := volume["name"].(string)
		taken[name] = true
	}
	var names []string
	for number := 0; len(names) < count; number++ {
		if name := fmt.Sprintf("assay-writable-%s-%d", hex.EncodeToString(sum[:4]), number); !taken[name] {
			names = append(names, name)
		}
	}
	return names
}
