package comment

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
)

// mostEvent bounds what is read of the event that a workflow runs for, in bytes.
const mostEvent = 8 << 20

// ofMerge is the ref that GitHub gives a workflow for a pull request.
var ofMerge = regexp.MustCompile(`^refs/pull/([0-9]+)/`)

// FromEnvironment reads the target from the variables that GitHub's and GitLab's
// jobs have: GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_REF, GITHUB_EVENT_PATH and
// GITHUB_TOKEN; CI_API_V4_URL, CI_PROJECT_ID, CI_MERGE_REQUEST_IID and
// GITLAB_TOKEN. Errors name the variable that is missing.
func FromEnvironment(name string, env func(string) string) (Target, error) {
	switch name {
	case "github":
		return fromGitHub(env)
	case "gitlab":
		return fromGitLab(env)
	}
	return Target{}, fmt.Errorf("reading where to comment: %q is none of %q", name, Services())
}

func fromGitHub(env func(string) string) (Target, error) {
	target := Target{API: env("GITHUB_API_URL"), Project: env("GITHUB_REPOSITORY"), Token: env("GITHUB_TOKEN")}
	if target.API == "" {
		target.API = "https://api.github.com"
	}
	switch {
	case target.Project == "":
		return Target{}, missing("GITHUB_REPOSITORY", "owner/name of the repository")
	case target.Token == "":
		return Target{}, missing("GITHUB_TOKEN", "in a workflow: env: {GITHUB_TOKEN: ${{ github.token }}} and permissions: {pull-requests: write}")
	}
	if matched := ofMerge.FindStringSubmatch(env("GITHUB_REF")); matched != nil {
		number, err := strconv.Atoi(matched[1])
		if err != nil {
			return Target{}, fmt.Errorf("reading GITHUB_REF: %w", err)
		}
		target.Number = number
		return target, nil
	}
	number, err := numberOfEvent(env("GITHUB_EVENT_PATH"))
	if err != nil {
		return Target{}, err
	}
	target.Number = number
	return target, nil
}

// numberOfEvent reads the number of the pull request out of an event's file.
func numberOfEvent(path string) (int, error) {
	none := errors.New("reading which pull request to comment on: neither GITHUB_REF nor the event in GITHUB_EVENT_PATH names one; run the workflow on pull_request")
	if path == "" {
		return 0, none
	}
	file, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("reading the event in GITHUB_EVENT_PATH: %w", err)
	}
	defer file.Close()
	var event struct {
		Number      int `json:"number"`
		PullRequest struct {
			Number int `json:"number"`
		} `json:"pull_request"`
	}
	if err := json.NewDecoder(io.LimitReader(file, mostEvent)).Decode(&event); err != nil {
		return 0, fmt.Errorf("reading the event in GITHUB_EVENT_PATH: %w", err)
	}
	if event.PullRequest.Number > 0 {
		return event.PullRequest.Number, nil
	}
	if event.Number > 0 {
		return event.Number, nil
	}
	return 0, none
}

func fromGitLab(env func(string) string) (Target, error) {
	target := Target{API: env("CI_API_V4_URL"), Project: env("CI_PROJECT_ID"), Token: env("GITLAB_TOKEN")}
	switch {
	case target.API == "":
		return Target{}, missing("CI_API_V4_URL", "such as https://gitlab.example.com/api/v4")
	case target.Project == "":
		return Target{}, missing("CI_PROJECT_ID", "the project's number")
	case target.Token == "":
		return Target{}, missing("GITLAB_TOKEN", "a project access token with the scope api; CI_JOB_TOKEN may not write notes")
	}
	number, err := strconv.Atoi(env("CI_MERGE_REQUEST_IID"))
	if err != nil {
		return Target{}, missing("CI_MERGE_REQUEST_IID", "the merge request's number; run the job in a merge request pipeline")
	}
	target.Number = number
	return target, nil
}

func missing(variable, what string) error {
	return fmt.Errorf("reading where to comment: %s is not set: %s", variable, what)
}
