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

// TestParse_SharesThatCannotHoldAreRefused before the controller starts; the
// twins differ in one value.
func TestParse_SharesThatCannotHoldAreRefused(t *testing.T) {
	for _, test := range []struct{ bad, good, says string }{
		{"--min-interval=0s", "--min-interval=1s", "--min-interval is 0s"},
		{"--min-interval=-1s", "--min-interval=10s", "--min-interval is -1s"},
		{"--concurrent=0", "--concurrent=1", "--concurrent is 0"},
		{"--storage-limit=0", "--storage-limit=1Gi", "--storage-limit is 0"},
		{"--storage-limit=-4Gi", "--storage-limit=4096Mi", "--storage-limit is -4Gi"},
		{"--storage-limit=much", "--storage-limit=1000000000", "storage-limit"},
		{"--namespace-storage-limit=-1", "--namespace-storage-limit=0", "--namespace-storage-limit is -1"},
		{"--namespace-storage-limit=5Gi", "--namespace-storage-limit=4Gi", "nor above --storage-limit, which is 4Gi"},
	} {
		if _, err := parse([]string{test.bad}); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", test.bad, err)
		}
		if _, err := parse([]string{test.good}); err != nil {
			t.Errorf("%s: %v", test.good, err)
		}
	}
	made, err := parse(nil)
	if err != nil || made.stored.Value() != 4<<30 || made.share.Value() != 0 || made.least.Seconds() != 10 {
		t.Errorf("%+v, %v", made, err)
	}
}
