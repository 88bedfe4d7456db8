package harden

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

/*
readOnlyRoot sets readOnlyRootFilesystem: true, with a volume of that size at
/tmp and at each volume that the image declares, unless something is mounted
there.

Held back: for root, who writes anywhere (pid files, caches, configuration that
a start script makes); for images whose configuration is not known; and where a
setting of Linux does not apply. A debugging container is left alone.
*/
func readOnlyRoot(size string) setting {
	made := contextSetting("readOnlyRootFilesystem", "whoever breaks into the program cannot change it, nor leave another beside it",
		func(c *container) decision { return c.readOnlyRoot(size) })
	made.readsUser = true
	return made
}

func (c *container) readOnlyRoot(size string) decision {
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
		if cleaned := path.Clean("/" + volume); cleaned != "/" {
			wanted = append(wanted, cleaned)
		}
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
