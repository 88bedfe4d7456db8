package harden

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// withVolumes is an image that declares volumes.
func withVolumes(volumes ...string) *plugin.ImageConfig {
	config := good()
	config.Volumes = volumes
	return config
}

// mountedAt is a container in which the author mounted something.
func mountedAt(place string) string {
	return fmt.Sprintf("volumeMounts: [{name: own, mountPath: %q}]", place)
}

// TestReadOnlyRoot_VolumeWhereAnEmptyDirBreaksTheContainer_IsHeldBack; the twins
// declare one beside it, or have a volume of the author's there.
func TestReadOnlyRoot_VolumeWhereAnEmptyDirBreaksTheContainer_IsHeldBack(t *testing.T) {
	more := gate.Harden{ReadOnlyRootFilesystem: true, EmptyDirSize: "64Mi"}
	for _, test := range []struct{ volume, twin, says string }{
		{"/", "/data", "all of its file system"},
		{"", "data", "all of its file system"},
		{"/../", "/../data", "all of its file system"},
		{"/proc", "/process", "the kernel's own files"},
		{"/proc/self/", "/srv/proc/self", "the kernel's own files"},
		{"/sys/fs/cgroup", "/system", "the kernel's own files"},
		{"/dev", "/devices", "the kernel's own files"},
		{"/srv/../dev/shm", "/srv/dev/shm", "the kernel's own files"},
		{"/etc", "/etc/app", "hide the system's own files"},
		{"etc/", "/etc/app/", "hide the system's own files"},
		{"/usr", "/usr/share/app", "hide the system's own files"},
		{"/usr/bin", "/usr/local/app", "hide the system's own files"},
		{"/lib", "/library", "hide the system's own files"},
		{"/data:ro", "/data-ro", "must not have a colon"},
		{"/data\x00", "/data0", "no path to mount at"},
		{"/data\n", "/data-n", "no path to mount at"},
		{"/" + strings.Repeat("a/", 2049), "/" + strings.Repeat("a/", 2000), "no path to mount at"},
	} {
		t.Run(fmt.Sprintf("%.20q", test.volume), func(t *testing.T) {
			objects, findings := hardened(t, more, withVolumes("/data", test.volume), workload{}.object(t))
			if said := held(findings); podOf(objects[0])["volumes"] != nil || firstContainer(objects[0])["volumeMounts"] != nil || !strings.Contains(said, test.says) {
				t.Errorf("volumes %v, said %q", podOf(objects[0])["volumes"], said)
			}
			objects, findings = hardened(t, more, withVolumes("/data", test.twin), workload{}.object(t))
			if volumes, _ := podOf(objects[0])["volumes"].([]any); held(findings) != "" || len(volumes) < 2 {
				t.Errorf("the twin: volumes %v, said %q", volumes, held(findings))
			}
			if test.says != "the kernel's own files" && test.says != "hide the system's own files" {
				return
			}
			objects, findings = hardened(t, more, withVolumes("/data", test.volume), workload{container: mountedAt("/" + strings.Trim(test.volume, "/"))}.object(t))
			if volumes, _ := podOf(objects[0])["volumes"].([]any); test.volume != "/srv/../dev/shm" && (held(findings) != "" || len(volumes) != 2) {
				t.Errorf("mounted: volumes %v, said %q", volumes, held(findings))
			}
		})
	}
}

func TestReadOnlyRoot_VolumesOfAnImageAreBounded(t *testing.T) {
	var many []string
	for i := range 31 { // and /tmp
		many = append(many, fmt.Sprint("/data-", i))
	}
	for name, test := range map[string]struct {
		limit int64
		more  []string
		held  bool
	}{
		"one more than the default": {0, []string{"/more"}, true},
		"twin: the default":         {0, nil, false},
		"twin: a volume in another": {0, []string{"/data-1/below"}, false},
		"one more than the gate's":  {31, nil, true},
		"twin: what the gate says":  {33, []string{"/more"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			hardener, err := New(Config{Profile: "none", More: gate.Harden{ReadOnlyRootFilesystem: true, EmptyDirSize: "1Mi"}, Volumes: test.limit})
			if err != nil {
				t.Fatal(err)
			}
			objects := []plugin.Object{workload{}.object(t)}
			objects, findings := hardener.Harden(t.Context(), plugin.Unhardened{Objects: objects, Images: imagesOf(objects, withVolumes(append(many, test.more...)...))})
			said, volumes := held(findings), podOf(objects[0])["volumes"]
			if (volumes == nil) != test.held || strings.Contains(said, "limit imageVolumes") != test.held {
				t.Errorf("said %q", said)
			}
		})
	}
}
