package harden

import (
	"reflect"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

const passwdLayer = "sha256:1111111111111111111111111111111111111111111111111111111111111111"

// nginx is an image whose user is a name with a number.
func nginx(change func(*plugin.NamedUser)) *plugin.ImageConfig {
	config := good()
	config.User, config.Named = "nginx", &plugin.NamedUser{ID: 101, Layer: passwdLayer}
	if change != nil {
		change(config.Named)
	}
	return config
}

func TestNamedUser_IsFilledInWithTheImagesOwnNumber(t *testing.T) {
	container, findings := run(t, restricted, workload{}, nginx(nil))
	want := map[string]any{
		"allowPrivilegeEscalation": false,
		"seccompProfile":           map[string]any{"type": "RuntimeDefault"},
		"capabilities":             map[string]any{"drop": []any{"ALL"}},
		"runAsNonRoot":             true,
		"runAsUser":                int64(101),
	}
	if got := security(container); !reflect.DeepEqual(got, want) {
		t.Fatalf("securityContext %v, want %v", got, want)
	}
	finding := byRule(findings)["harden/runAsUser runAsUser"]
	if finding.Was != "null" || finding.Now != "101" || finding.Why == "" || len(finding.Details) != 1 ||
		finding.Details[0] != `101 is the number of the image's user "nginx" in /etc/passwd of layer `+passwdLayer {
		t.Errorf("finding %+v", finding)
	}
}

// TestNamedUser_RunAsUserIsWrittenBesideRunAsNonRootAlone: one without the
// other would keep the container from starting, or say what nobody asked for.
func TestNamedUser_RunAsUserIsWrittenBesideRunAsNonRootAlone(t *testing.T) {
	differs := nginx(func(user *plugin.NamedUser) { user.Differs = "the group is another" })
	windows := nginx(nil)
	windows.OS = "windows"
	for name, test := range map[string]struct {
		workload      workload
		config        *plugin.ImageConfig
		nonRoot, user any
	}{
		"nothing written":                {config: nginx(nil), nonRoot: true, user: int64(101)},
		"runAsNonRoot written":           {workload: workload{container: "securityContext: {runAsNonRoot: true}"}, config: nginx(nil), nonRoot: true, user: int64(101)},
		"runAsNonRoot of the Pod":        {workload: workload{pod: "securityContext: {runAsNonRoot: true}"}, config: nginx(nil), user: int64(101)},
		"the container's over the Pod's": {workload: workload{pod: "securityContext: {runAsNonRoot: true}", container: "securityContext: {runAsNonRoot: false}"}, config: nginx(nil), nonRoot: false},
		"runAsNonRoot: false":            {workload: workload{container: "securityContext: {runAsNonRoot: false}"}, config: nginx(nil), nonRoot: false},
		"runAsNonRoot is no boolean":     {workload: workload{container: `securityContext: {runAsNonRoot: "yes"}`}, config: nginx(nil), nonRoot: "yes"},
		"runAsUser written":              {workload: workload{container: "securityContext: {runAsUser: 5}"}, config: nginx(nil), nonRoot: true, user: int64(5)},
		"runAsUser of the Pod":           {workload: workload{pod: "securityContext: {runAsUser: 5}"}, config: nginx(nil), nonRoot: true},
		"runAsUser 0":                    {workload: workload{container: "securityContext: {runAsUser: 0}"}, config: nginx(nil), user: int64(0)},
		"the number differs":             {config: differs},
		"Windows":                        {config: windows},
		"a number of the image":          {config: good(), nonRoot: true},
	} {
		t.Run(name, func(t *testing.T) {
			container, _ := run(t, restricted, test.workload, test.config)
			got := security(container)
			if got["runAsNonRoot"] != test.nonRoot || got["runAsUser"] != test.user {
				t.Errorf("runAsNonRoot %v, runAsUser %v; want %v, %v", got["runAsNonRoot"], got["runAsUser"], test.nonRoot, test.user)
			}
		})
	}
}

func TestNamedUser_HeldBackWithTheReason(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*plugin.NamedUser)
		says   string
		hint   string
	}{
		"root in passwd":   {func(u *plugin.NamedUser) { u.ID = 0 }, "is root (0 in /etc/passwd of layer " + passwdLayer + ")", "USER 65532"},
		"the zero value":   {func(u *plugin.NamedUser) { *u = plugin.NamedUser{} }, "is root", "USER 65532"},
		"not in passwd":    {func(u *plugin.NamedUser) { *u = plugin.NamedUser{Unknown: "the file has none"} }, `the name "nginx", of which no number is known (the file has none)`, "USER 65532"},
		"no answer":        {func(u *plugin.NamedUser) { *u = plugin.NamedUser{Unknown: "nobody answered", NoAnswer: true} }, "(nobody answered)", "try again"},
		"unknown with one": {func(u *plugin.NamedUser) { u.Unknown = "the file has none" }, "the file has none", "USER 65532"},
	} {
		t.Run(name, func(t *testing.T) {
			container, findings := run(t, restricted, workload{}, nginx(test.change))
			got := byRule(findings)
			for _, field := range []string{"runAsNonRoot", "capabilities"} {
				finding := got["harden/held-back "+field]
				if security(container)[field] != nil || !strings.Contains(finding.Message, test.says) || !strings.Contains(finding.Hint, test.hint) {
					t.Errorf("%s: %v, %+v", field, security(container)[field], finding)
				}
			}
			if security(container)["runAsUser"] != nil {
				t.Errorf("runAsUser is %v", security(container)["runAsUser"])
			}
		})
	}
}

func TestNamedUser_ThatIsNotRootMayDropAllThoughItsNumberIsNotWritten(t *testing.T) {
	for profile, test := range map[string]struct {
		config *plugin.ImageConfig
		says   string
	}{
		restricted:            {nginx(func(user *plugin.NamedUser) { user.Differs = "the group is another" }), "would not mean the same: the group is another"},
		"profile/openshift@1": {nginx(nil), "writes no user id"},
	} {
		container, findings := run(t, profile, workload{}, test.config)
		got := security(container)
		if got["capabilities"] == nil || got["runAsNonRoot"] != nil || got["runAsUser"] != nil {
			t.Errorf("%s: securityContext %v", profile, got)
		}
		if finding := byRule(findings)["harden/held-back runAsNonRoot"]; !strings.Contains(finding.Message, test.says) || !strings.Contains(finding.Hint, "USER 101") {
			t.Errorf("%s: %+v", profile, finding)
		}
	}
}

func TestOpenShift_NeverWritesAUser(t *testing.T) {
	for _, config := range []*plugin.ImageConfig{good(), nginx(nil), {}, nil} {
		for _, written := range []string{"", "securityContext: {runAsNonRoot: true}"} {
			if container, _ := run(t, "profile/openshift@1", workload{container: written}, config); security(container)["runAsUser"] != nil {
				t.Errorf("%+v: %v", config, security(container))
			}
		}
	}
}

func TestReadsUsers_WhereTheNumberDecides(t *testing.T) {
	for _, test := range []struct {
		config Config
		want   bool
	}{
		{Config{Profile: "none"}, false}, {Config{Profile: "profile/baseline@1"}, false},
		{Config{Profile: restricted}, true}, {Config{Profile: "profile/openshift@1"}, true},
		{Config{Profile: "none", More: gate.Harden{ReadOnlyRootFilesystem: true, EmptyDirSize: "1Mi"}}, true},
		{Config{Profile: "none", More: gate.Harden{AppArmor: true}}, false},
	} {
		hardener, err := New(test.config)
		if err != nil || hardener.ReadsUsers() != test.want {
			t.Errorf("%+v: %v, %v", test.config, hardener.ReadsUsers(), err)
		}
	}
}

func TestElevated_ProgramsKeepWhatTheyNeed(t *testing.T) {
	config := func(how string) *plugin.ImageConfig {
		made := good()
		made.Entrypoint, made.Cmd = []string{"/init", "--"}, []string{"serve"}
		made.Elevated = []plugin.Elevated{{Word: "serve", Path: "/usr/bin/serve", How: how, Layer: passwdLayer}}
		return made
	}
	for name, test := range map[string]struct {
		container string
		held      bool
	}{
		"the image's arguments":          {"", true},
		"args replace them":              {"args: [other]", false},
		"args name it":                   {"args: [serve, --now]", true},
		"empty args replace nothing":     {"args: []", true},
		"a command replaces all":         {"command: [/other]", false},
		"a command names it":             {"command: [serve]", true},
		"an empty command is none":       {"command: []", true},
		"a word that only looks like it": {"command: [serves, /serve]", false},
	} {
		for _, how := range []string{"is setuid", "has file capabilities"} {
			t.Run(name+", "+how, func(t *testing.T) {
				container, findings := run(t, restricted, workload{container: test.container}, config(how))
				got := byRule(findings)
				for _, field := range []string{"allowPrivilegeEscalation", "capabilities"} {
					says := got["harden/held-back "+field].Message
					if held := security(container)[field] == nil; held != test.held || held && !strings.Contains(says, `"/usr/bin/serve" `+how+" (layer "+passwdLayer+")") {
						t.Errorf("%s: %v, %q", field, security(container)[field], says)
					}
				}
			})
		}
	}
}

func TestNamedUser_OfUnknownNumberWhoListensBelow1024KeepsFileCapabilities(t *testing.T) {
	for user, held := range map[string]bool{"nginx": true, "root": false} {
		config := good()
		config.User, config.ExposedPorts = user, []string{"80/tcp"}
		container, findings := run(t, "profile/baseline@1", workload{}, config)
		if got := security(container)["allowPrivilegeEscalation"] == nil; got != held {
			t.Errorf("%s: held back %v, %+v", user, got, findings)
		}
	}
}

func TestChangesUser_ByNameAlone(t *testing.T) {
	for name, test := range map[string]struct {
		user, entry string
		held        bool
	}{
		"sudo, not root":      {"65532", "/usr/bin/sudo", true},
		"sudo, as root":       {"", "/usr/bin/sudo", true},
		"in a line, not root": {"65532", "sh -c 'exec su app'", true},
		"gosu, as root":       {"", "gosu", true},
		"gosu, not root":      {"65532", "gosu", false},
		"a name like it":      {"65532", "/pseudo", false},
	} {
		container, findings := run(t, restricted, workload{}, &plugin.ImageConfig{User: test.user, OS: "linux", Entrypoint: []string{test.entry}})
		if held := security(container)["allowPrivilegeEscalation"] == nil; held != test.held {
			t.Errorf("%s: held back %v, %+v", name, held, findings)
		}
		if held := security(container)["capabilities"] == nil; held != (test.held || test.user == "") {
			t.Errorf("%s: capabilities held back %v, %+v", name, held, findings)
		}
	}
}
