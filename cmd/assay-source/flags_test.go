package main

import (
	"strings"
	"testing"
)

// TestFlags_SourceHosts are those that the platform names, and assay's own: what
// one GatedSource publishes may be the source of another.
func TestFlags_SourceHosts(t *testing.T) {
	const own = "--storage-adv-addr=assay-source.assay-system.svc.cluster.local.:9090"
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "*.flux-system.svc.cluster.local"},
		{[]string{own}, "assay-source.assay-system.svc.cluster.local, *.flux-system.svc.cluster.local"},
		{[]string{"--storage-adv-addr=https://[::1]:9090"}, "::1, *.flux-system.svc.cluster.local"},
		{[]string{own, "--source-hosts=sources.gitops.svc,10.0.0.1", "--source-hosts=*.gitops.svc"}, "sources.gitops.svc, 10.0.0.1, assay-source.assay-system.svc.cluster.local, *.gitops.svc"},
	} {
		parsed, err := parse(test.args)
		if err != nil {
			t.Fatal(err)
		}
		if hosts, err := parsed.sourceHosts(); err != nil || hosts.String() != test.want {
			t.Errorf("%v: %s, %v", test.args, hosts, err)
		}
	}
	for _, arg := range []string{"--source-hosts=", "--source-hosts=*", "--source-hosts=http://x", "--storage-adv-addr=a b"} {
		if _, err := parse([]string{arg}); err == nil || !strings.Contains(err.Error(), strings.SplitN(arg, "=", 2)[0]) {
			t.Errorf("%s: %v", arg, err)
		}
	}
}
