package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	runtimectrl "github.com/fluxcd/pkg/runtime/controller"
)

// unused are flags that come with Flux's options and mean nothing here: the
// digest of artifacts is always sha256, ConfigMaps and Secrets are read at the
// interval, and of old artifacts it is the time that counts.
func unused() []string {
	return []string{"artifact-digest-algo", "artifact-retention-records", "watch-configs-label-selector"}
}

// checkValues refuses what can be seen of a value by itself.
func (f *flags) checkValues() error {
	for _, name := range unused() {
		if f.set.Changed(name) {
			return fmt.Errorf("--%s is not used by assay-source; leave it out", name)
		}
	}
	for _, path := range f.gates {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("--gate %s: there is no such file or folder", path)
		}
	}
	if f.cache != "" && f.cacheKey == "" {
		return errors.New("--cache-dir is given and --cache-key is not; name a file for the key, outside of that folder")
	}
	if problems := validation.IsDNS1123Subdomain(f.account); len(problems) > 0 {
		return fmt.Errorf("--default-service-account %q is no name of a service account: %s", f.account, strings.Join(problems, "; "))
	}
	return errors.Join(f.checkAddresses(), f.checkTimes(), f.checkWatch())
}

// checkAddresses are those that it listens at, and those that others know.
func (f *flags) checkAddresses() error {
	var problems []error
	for _, one := range []struct {
		flag, value string
		off         bool // 0 switches it off
	}{{"metrics-addr", f.metrics, true}, {"health-addr", f.health, true}, {"storage-addr", f.storage.StorageAddress, false}} {
		if one.off && one.value == "0" {
			continue
		}
		if _, port, err := net.SplitHostPort(one.value); err != nil || port == "" {
			problems = append(problems, fmt.Errorf("--%s %q is no address; write host:port or :port, such as :8080", one.flag, one.value))
		}
	}
	if address := f.storage.StorageAdvAddress; address != "" {
		host := strings.TrimPrefix(strings.TrimPrefix(address, "http://"), "https://")
		if parsed, err := url.Parse("http://" + host); err != nil || parsed.Host != host {
			problems = append(problems, fmt.Errorf("--storage-adv-addr %q is no address; write the host by which others reach --storage-addr, with its port unless that is 80, and nothing behind it",
				address))
		}
	}
	if f.events != "" {
		if parsed, err := url.Parse(f.events); err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
			problems = append(problems, fmt.Errorf("--events-addr %q is no URL; write http://host/", f.events))
		}
	}
	return errors.Join(problems...)
}

func (f *flags) checkTimes() error {
	var problems []error
	if f.retries.MinRetryDelay <= 0 || f.retries.MaxRetryDelay < f.retries.MinRetryDelay {
		problems = append(problems, fmt.Errorf("--min-retry-delay is %s and --max-retry-delay %s; the first must be above 0, and the second not below it",
			f.retries.MinRetryDelay, f.retries.MaxRetryDelay))
	}
	if f.storage.ArtifactRetentionTTL < 0 {
		problems = append(problems, fmt.Errorf("--artifact-retention-ttl is %s; it must not be below 0", f.storage.ArtifactRetentionTTL))
	}
	if f.interval.Percentage >= 100 {
		problems = append(problems, fmt.Errorf("--interval-jitter-percentage is %d; it must be below 100", f.interval.Percentage))
	}
	if lead := f.leader; lead.Enable && (lead.RetryPeriod <= 0 || lead.RenewDeadline <= lead.RetryPeriod || lead.LeaseDuration <= lead.RenewDeadline) {
		problems = append(problems, fmt.Errorf("--leader-election-retry-period is %s, --leader-election-renew-deadline %s and --leader-election-lease-duration %s; "+
			"each must be above the one before, and the first above 0", lead.RetryPeriod, lead.RenewDeadline, lead.LeaseDuration))
	}
	return errors.Join(problems...)
}

func (f *flags) checkWatch() error {
	var problems []error
	if _, err := runtimectrl.GetWatchSelector(f.watch); err != nil {
		problems = append(problems, fmt.Errorf("--watch-label-selector %q: %w", f.watch.LabelSelector, err))
	}
	if !f.watch.AllNamespaces && os.Getenv(runtimectrl.EnvRuntimeNamespace) == "" {
		problems = append(problems, fmt.Errorf("--watch-all-namespaces=false watches the namespace that %s names, and that is not set", runtimectrl.EnvRuntimeNamespace))
	}
	return errors.Join(problems...)
}
