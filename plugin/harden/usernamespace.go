package harden

import (
	"fmt"

	"github.com/assay-gitops/assay/plugin"
)

/*
userNamespace sets hostUsers: false (KEP-127).

Held back: with the namespaces of the node and raw block devices, which the API
server refuses beside it; for volumes on which a kernel cannot shift the owners
of files; and for privileged containers.
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
