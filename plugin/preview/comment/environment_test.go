package comment

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFromEnvironment_ReadsTheJobsVariables(t *testing.T) {
	event := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(event, []byte(`{"pull_request":{"number":9}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	github := map[string]string{"GITHUB_REPOSITORY": "team-a/shop", "GITHUB_REF": "refs/pull/7/merge", "GITHUB_TOKEN": "t"}
	gitlab := map[string]string{"CI_API_V4_URL": "https://gitlab.example.com/api/v4", "CI_PROJECT_ID": "12", "CI_MERGE_REQUEST_IID": "3", "GITLAB_TOKEN": "t"}
	for name, c := range map[string]struct {
		service string
		base    map[string]string
		change  map[string]string
		number  int
		want    string
	}{
		"github":                      {service: "github", base: github, number: 7},
		"github by its event":         {service: "github", base: github, change: map[string]string{"GITHUB_REF": "refs/heads/main", "GITHUB_EVENT_PATH": event}, number: 9},
		"github without a request":    {service: "github", base: github, change: map[string]string{"GITHUB_REF": "refs/heads/main"}, want: "run the workflow on pull_request"},
		"github, the event is gone":   {service: "github", base: github, change: map[string]string{"GITHUB_REF": "", "GITHUB_EVENT_PATH": event + "x"}, want: "GITHUB_EVENT_PATH"},
		"github without a token":      {service: "github", base: github, change: map[string]string{"GITHUB_TOKEN": ""}, want: "pull-requests: write"},
		"github without a repository": {service: "github", base: github, change: map[string]string{"GITHUB_REPOSITORY": ""}, want: "GITHUB_REPOSITORY"},
		"gitlab":                      {service: "gitlab", base: gitlab, number: 3},
		"gitlab without an address":   {service: "gitlab", base: gitlab, change: map[string]string{"CI_API_V4_URL": ""}, want: "CI_API_V4_URL"},
		"gitlab without a project":    {service: "gitlab", base: gitlab, change: map[string]string{"CI_PROJECT_ID": ""}, want: "CI_PROJECT_ID"},
		"gitlab without a token":      {service: "gitlab", base: gitlab, change: map[string]string{"GITLAB_TOKEN": ""}, want: "GITLAB_TOKEN"},
		"gitlab without a request":    {service: "gitlab", base: gitlab, change: map[string]string{"CI_MERGE_REQUEST_IID": ""}, want: "merge request pipeline"},
		"another service":             {service: "elsewhere", want: "none of"},
	} {
		t.Run(name, func(t *testing.T) {
			target, err := FromEnvironment(c.service, func(name string) string {
				if value, changed := c.change[name]; changed {
					return value
				}
				return c.base[name]
			})
			switch {
			case c.want == "" && (err != nil || target.Number != c.number || target.check() != nil):
				t.Errorf("got %+v, %v and %v", target, err, target.check())
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
