package predicate

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// sarifLog is what is read of SARIF 2.1.0 (OASIS).
type sarifLog struct {
	Version string `json:"version"`
	Runs    []struct {
		Tool struct {
			Driver struct {
				Name    string      `json:"name"`
				Version string      `json:"version"`
				URI     string      `json:"informationUri"`
				Rules   []sarifRule `json:"rules"`
			} `json:"driver"`
		} `json:"tool"`
		Invocations []struct {
			Successful *bool  `json:"executionSuccessful"`
			Ended      string `json:"endTimeUtc"`
		} `json:"invocations"`
		// Results is nil when the run gave none (clause 3.14.23).
		Results    *[]sarifResult `json:"results"`
		Properties struct {
			Digests []string `json:"repoDigests"`
		} `json:"properties"`
	} `json:"runs"`
}

type sarifRule struct {
	ID         string          `json:"id"`
	Properties sarifProperties `json:"properties"`
}

type sarifProperties struct {
	// Score is a CVSS score, as text or number.
	Score json.RawMessage `json:"security-severity"`
}

type sarifResult struct {
	Rule       string          `json:"ruleId"`
	Kind       string          `json:"kind"`
	Properties sarifProperties `json:"properties"`
}

// sarif reads a log with one run of a scanner. A result's severity is its
// security-severity, else its rule's, else unknown; whether there is a fix it
// does not say. What the scanner was told to suppress counts: who may say that
// a vulnerability does no harm is the gate's business.
func (r reader) sarif(data []byte) (scan, error) {
	var log sarifLog
	if err := r.read(data, &log); err != nil {
		return scan{}, err
	}
	switch {
	case log.Version != "2.1.0":
		return scan{}, fmt.Errorf("its SARIF version is %q; 2.1.0 is read", shorten(log.Version))
	case len(log.Runs) != 1:
		return scan{}, fmt.Errorf("it has %d runs, not one", len(log.Runs))
	case log.Runs[0].Results == nil:
		return scan{}, errNoResult
	case log.Runs[0].Tool.Driver.Name == "":
		return scan{}, errors.New("its tool has no name")
	}
	run := log.Runs[0]
	driver := run.Tool.Driver
	found := scan{scanner: strings.ToLower(driver.Name), uris: []string{driver.URI}, version: driver.Version}
	found.about(run.Properties.Digests...)
	for _, each := range run.Invocations {
		if each.Successful != nil && !*each.Successful {
			return scan{}, errors.New("its run was not successful (executionSuccessful)")
		}
		ended, err := readTime("endTimeUtc", each.Ended)
		if err != nil {
			return scan{}, err
		}
		if ended.After(found.ended) {
			found.ended = ended
		}
	}
	rules := map[string]sarifProperties{}
	for _, rule := range driver.Rules {
		rules[rule.ID] = rule.Properties
	}
	for _, result := range *run.Results {
		if err := found.addSARIF(result, rules[result.Rule]); err != nil {
			return scan{}, err
		}
	}
	return found, r.count("vulnerabilities", len(found.found))
}

func (s *scan) addSARIF(result sarifResult, rule sarifProperties) error {
	if result.Kind != "" && result.Kind != "fail" { // clause 3.27.9: "fail" is the default
		return nil
	}
	if result.Rule == "" {
		return errors.New("a result has no ruleId")
	}
	raw := result.Properties.Score
	if raw == nil {
		raw = rule.Score
	}
	text := string(raw)
	if unquoted, err := strconv.Unquote(text); err == nil {
		text = unquoted
	}
	severity, err := severityOf(text)
	if err != nil {
		return fmt.Errorf("%s: security-severity: %w", shorten(result.Rule), err)
	}
	s.found = append(s.found, vulnerability{id: result.Rule, severity: severity, fixUnknown: true})
	return nil
}
