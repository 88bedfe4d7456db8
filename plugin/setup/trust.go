package setup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/verify"
	"github.com/assay-gitops/assay/plugin/verify/tuf"
)

// mirrors are the trust roots that TUF repositories give out. Each has a copy,
// a place on disk and a source of its own; an application is judged by the
// copies, and nobody is asked then.
type mirrors struct {
	store tuf.Store
	each  []*mirror

	// turn lets one refresh go on at a time.
	turn sync.Mutex
	// mu guards what a mirror knows.
	mu sync.Mutex
}

// mirror is one of them.
type mirror struct {
	declared gate.TrustRoot
	at       tuf.Mirror
	// source is nil for a repository inside the configuration, which does not
	// change.
	source  tuf.Source
	known   *tuf.Copy
	trouble error
}

// remoteSource reads a repository by its address.
type remoteSource struct {
	client  *registry.Client
	address string
}

// File implements tuf.Source.
func (r remoteSource) File(ctx context.Context, path string, limit int64) ([]byte, error) {
	return r.client.File(ctx, r.address+"/"+path, limit)
}

// newMirrors reads the last good copies from disk. It asks nobody.
func newMirrors(options Options) (*mirrors, error) {
	made := &mirrors{store: tuf.Store{Dir: options.TrustDir}}
	var client *registry.Client
	var problems []error
	for _, declared := range options.Config.TrustRoots {
		at, found, err := tuf.MirrorOf(declared)
		if err != nil {
			problems = append(problems, err)
		}
		if !found || err != nil {
			continue
		}
		one := &mirror{declared: declared, at: at}
		made.each = append(made.each, one)
		if declared.Spec.Repository != nil {
			if one.known, err = unpacked(declared, at); err != nil {
				problems = append(problems, fmt.Errorf("%s: TrustRoot %s: %w", declared.At, at.Name, err))
			}
			continue
		}
		if client == nil {
			if client, err = mirrorClient(options); err != nil {
				return nil, err
			}
		}
		one.source = remoteSource{client, at.Address}
		one.known, one.trouble = made.store.Load(at)
	}
	return made, errors.Join(problems...)
}

// unpacked is the copy of a repository inside the configuration, which is as good
// as the file that it is in: one that cannot be read is refused with it. When it
// ends is asked when it is used.
func unpacked(declared gate.TrustRoot, at tuf.Mirror) (*tuf.Copy, error) {
	archive, err := tuf.NewArchive(declared.Spec.Repository.MirrorFS, plugin.DefaultLimits())
	if err != nil {
		return nil, err
	}
	made, err := tuf.Update(context.Background(), archive, at, nil, time.Time{})
	if err != nil {
		return nil, err
	}
	if err := verify.CheckTrustedRoot(made.TrustedRoot); err != nil {
		return nil, fmt.Errorf("reading its %s: %w", at.Target, err)
	}
	return made, nil
}

// mirrorClient talks to mirrors: to public addresses, and to those of hosts that
// some gate lists as private. It shows no credential.
func mirrorClient(options Options) (*registry.Client, error) {
	limits := plugin.DefaultLimits()
	hosts := map[string]*registry.Host{}
	made := registry.Options{Limits: limits, Clock: options.Clock, AllowLoopback: options.AllowLoopback, Proxy: http.ProxyFromEnvironment}
	for _, each := range options.Config.Gates {
		for _, entry := range each.Spec.Registries {
			entry.Credentials = nil
			read, err := hostOf(entry, limits)
			if err != nil {
				return nil, err
			}
			host := hosts[entry.Host]
			if host == nil {
				host = &registry.Host{Host: entry.Host}
				hosts[entry.Host] = host
			}
			host.Private, host.PlainHTTP = host.Private || read.Private, host.PlainHTTP || read.PlainHTTP
			host.CA = slices.Concat(host.CA, []byte("\n"), read.CA)
		}
	}
	for _, host := range hosts {
		if host.CA = bytes.TrimSpace(host.CA); len(host.CA) == 0 {
			host.CA = nil
		}
		made.Hosts = append(made.Hosts, *host)
	}
	client, err := registry.New(made)
	if err != nil {
		return nil, fmt.Errorf("setting up the mirrors of trust roots: %w", err)
	}
	return client, nil
}

// material is what the copies are worth to a verifier.
func (m *mirrors) material() map[string]verify.Mirrored {
	m.mu.Lock()
	defer m.mu.Unlock()
	material := map[string]verify.Mirrored{}
	for _, one := range m.each {
		material[one.at.Name] = one.material()
	}
	return material
}

func (m *mirror) material() verify.Mirrored {
	var made verify.Mirrored
	if m.trouble != nil {
		made.Trouble = oneLine(m.trouble)
	}
	if remote := m.declared.Spec.Remote; remote != nil {
		made.Grace = time.Duration(remote.Grace)
	}
	if repository := m.declared.Spec.Repository; repository != nil {
		made.Grace = time.Duration(repository.Grace)
	}
	if m.known != nil {
		made.TrustedRoot, made.FetchedAt = m.known.TrustedRoot, m.known.FetchedAt
		made.Role, made.Ends = m.known.Ends()
	}
	return made
}

// oneLine keeps what a mirror makes an error say on one line.
func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}

// fresh is one mirror's answer.
type fresh struct {
	mirror *mirror
	made   *tuf.Copy
	err    error
}

// ask asks the mirrors whose copy is older than that, side by side.
func (m *mirrors) ask(ctx context.Context, olderThan time.Duration) []fresh {
	now := time.Now() // mirrors live in the present, whatever time is judged by
	var asked []fresh
	m.mu.Lock()
	for _, one := range m.each {
		old := one.known == nil || one.known.FetchedAt.After(now) || now.Sub(one.known.FetchedAt) >= olderThan
		if one.source != nil && old {
			asked = append(asked, fresh{mirror: one, made: one.known})
		}
	}
	m.mu.Unlock()
	var group sync.WaitGroup
	for i := range asked {
		group.Go(func() {
			one := asked[i].mirror
			asked[i].made, asked[i].err = tuf.Update(ctx, one.source, one.at, asked[i].made, now)
			if asked[i].err != nil {
				return
			}
			if err := verify.CheckTrustedRoot(asked[i].made.TrustedRoot); err != nil {
				asked[i].err = fmt.Errorf("updating TrustRoot %s from %s: reading its %s: %w", one.at.Name, one.at.Address, one.at.Target, err)
			}
		})
	}
	group.Wait()
	return asked
}

// take makes answers the copies that count from now on.
func (m *mirrors) take(answers []fresh) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, answer := range answers {
		answer.mirror.trouble = answer.err
		if answer.err == nil {
			answer.mirror.known = answer.made
		}
	}
}

// save writes the new copies to disk. That it cannot changes nothing for this
// process.
func (m *mirrors) save(answers []fresh) error {
	var problems []error
	for _, answer := range answers {
		if answer.err == nil {
			problems = append(problems, m.store.Save(answer.mirror.at, answer.made))
		}
	}
	return errors.Join(problems...)
}
