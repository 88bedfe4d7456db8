package harden

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

/*
userNamespace sets hostUsers: false (KEP-127).

Held back: with the namespaces of the node and raw block devices, which the API
server refuses beside it; for volumes on which a kernel cannot shift the owners
of files; for privileged containers; and for users and groups above 65535, as the
kubelet gives a Pod that many ids, and no container starts as another.
*/
func userNamespace(p *pod) decision {
	for _, field := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		if on, _ := p.spec[field].(bool); on {
			return decision{heldBack: fmt.Sprintf("the API server refuses it together with %s", field), hint: "remove " + field, level: plugin.Info}
		}
	}
	for _, container := range p.containers {
		if container.fields["volumeDevices"] != nil {
			return decision{heldBack: "the API server refuses it together with raw block devices", hint: "remove volumeDevices", level: plugin.Info}
		}
		if privileged, _ := container.security["privileged"].(bool); privileged {
			return decision{heldBack: container.called() + " is privileged, on the node's own behalf", hint: "remove privileged: true", level: plugin.Info}
		}
	}
	if field, id := p.idOutside(); field != "" {
		return decision{heldBack: fmt.Sprintf("%s is %d, and a Pod with user namespaces has no ids above %d, so it would not start", field, id, mostID), level: plugin.Warn,
			hint: fmt.Sprintf("use ids of at most %d", mostID)}
	}
	volumes, _ := p.spec["volumes"].([]any)
	for _, item := range volumes {
		volume, _ := item.(map[string]any)
		for _, kind := range []string{"hostPath", "nfs", "persistentVolumeClaim", "ephemeral", "csi", "flexVolume", "cephfs", "glusterfs"} {
			if volume[kind] != nil {
				return decision{heldBack: fmt.Sprintf("a volume is a %s, on which the owners of files may not be shifted", kind), level: plugin.Info,
					hint: "write hostUsers: false when the volume's file system has idmap mounts"}
			}
		}
	}
	return decision{value: false}
}

// mostID is the last id of a Pod in a user namespace (KEP-127: each has 65536).
const mostID = 65535

// idOutside is a user or a group that a Pod in a user namespace does not have,
// and where it is said.
func (p *pod) idOutside() (string, int64) {
	fields := []string{"runAsUser", "runAsGroup", "fsGroup"}
	for _, name := range fields {
		if id := number(p.security[name]); id > mostID {
			return name, id
		}
	}
	groups, _ := p.security["supplementalGroups"].([]any)
	for _, group := range groups {
		if id := number(group); id > mostID {
			return "one of supplementalGroups", id
		}
	}
	for _, container := range p.containers {
		for _, name := range fields {
			if id := number(container.security[name]); id > mostID {
				return "the " + name + " of " + container.called(), id
			}
		}
		if id := container.imageID(); id > mostID && container.security["runAsUser"] == nil && p.security["runAsUser"] == nil {
			return "the user or group of the image of " + container.called(), id
		}
	}
	return "", 0
}

// imageID is the higher one of the user's and the group's number in the image's
// configuration; 0 when neither is known.
func (c *container) imageID() int64 {
	config := c.config()
	if config == nil {
		return 0
	}
	name, group, _ := strings.Cut(config.User, ":")
	var highest int64
	for _, text := range []string{name, group} {
		if id, err := strconv.ParseInt(text, 10, 64); err == nil { // no id is larger, and a name is none
			highest = max(highest, id)
		}
	}
	if config.Named != nil {
		highest = max(highest, config.Named.ID)
	}
	return highest
}
