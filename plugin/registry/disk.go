package registry

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/assay-gitops/assay/plugin/registry/facts"
)

// passing marks the sessions whose credential cannot be told apart from
// another one's in another process; what they read stays in memory.
const passing = "~"

// onDisk is the part of a cache that outlives the process: bytes by digest,
// what tags stand for, and lists of referrers. That something is missing is not
// kept, as it is usually being made.
type onDisk struct{ store *facts.Store }

// get reads a fact. Content is what its digest says, whoever wrote it down.
func (d *onDisk) get(key string) (fact, bool) {
	if d == nil || !keeps(key) {
		return fact{}, false
	}
	data, at, found := d.store.Get(key)
	if !found {
		return fact{}, false
	}
	value, size, err := decodeFact(key, data)
	if err != nil {
		return fact{}, false
	}
	return fact{key: key, value: value, size: size, at: at}, true
}

func (d *onDisk) put(key string, value any, at time.Time) {
	if d == nil || !keeps(key) {
		return
	}
	if data := encodeFact(value); data != nil {
		d.store.Put(key, data, at)
		return
	}
	d.store.Drop(key)
}

func (d *onDisk) drop(key string) {
	if d != nil && keeps(key) {
		d.store.Drop(key)
	}
}

// keeps reports whether facts of that key are kept; see [factKey].
func keeps(key string) bool {
	kind, rest, _ := strings.Cut(key, "\x00")
	return slices.Contains([]string{"manifest", "blob", "named", "referrers"}, kind) && !strings.HasPrefix(rest, passing)
}

// savedName is what a tag stood for, and savedManifest a manifest before its
// bytes.
type savedName struct {
	Digest, MediaType string
	Size              int64
}

type savedManifest struct{ Digest, MediaType string }

// encodeFact is nil for what is not kept.
func encodeFact(value any) []byte {
	var head any
	var body []byte
	switch value := value.(type) {
	case []byte:
		return value
	case Manifest:
		head, body = savedManifest{value.Digest, value.MediaType}, value.Bytes
	case named:
		if value.digest == "" {
			return nil
		}
		head = savedName{value.digest, value.mediaType, value.size}
	case []Descriptor:
		if len(value) == 0 {
			return nil
		}
		head = value
	default:
		return nil
	}
	text, err := json.Marshal(head)
	if err != nil {
		return nil
	}
	return slices.Concat(text, []byte("\n"), body)
}

func decodeFact(key string, data []byte) (any, int64, error) {
	kind, _, _ := strings.Cut(key, "\x00")
	reference := key[strings.LastIndexByte(key, 0)+1:]
	head, body, _ := bytes.Cut(data, []byte("\n"))
	switch kind {
	case "blob":
		if digestOf(data) != reference {
			return nil, 0, errors.New("the bytes are not the digest's")
		}
		return data, int64(len(data)), nil
	case "manifest":
		var saved savedManifest
		if err := json.Unmarshal(head, &saved); err != nil || saved.Digest != reference || digestOf(body) != reference {
			return nil, 0, errors.New("the bytes are not the digest's")
		}
		return Manifest{Digest: saved.Digest, MediaType: saved.MediaType, Bytes: body}, int64(len(body)), nil
	case "named":
		var saved savedName
		if err := json.Unmarshal(head, &saved); err != nil || !digestForm.MatchString(saved.Digest) {
			return nil, 0, errors.New("it is no digest")
		}
		return named{saved.Digest, saved.MediaType, saved.Size}, int64(len(saved.Digest) + len(saved.MediaType)), nil
	}
	var list []Descriptor
	if err := json.Unmarshal(head, &list); err != nil || len(list) == 0 {
		return nil, 0, errors.New("it is no list of referrers")
	}
	return list, sizeOf(list), nil
}

// partition begins the names of sessions: on disk it is the same in every
// process that has the key and asks in the same way, and another one where
// mirrors, addresses or authorities differ.
func (c *Client) partition() []byte {
	if c.options.Facts == nil {
		return c.salt[:]
	}
	sum := sha256.New()
	sum.Write(c.options.Facts.Salt())
	fmt.Fprintf(sum, "%t\n", c.options.AllowLoopback)
	for _, host := range slices.Sorted(maps.Keys(c.hosts)) {
		rules := c.hosts[host]
		fmt.Fprintf(sum, "%q %t %t %t %q\n", host, rules.private, rules.plainHTTP, rules.mirrorsOnly, rules.mirrors)
		for _, entry := range rules.entries {
			fmt.Fprintf(sum, "%q %q\n", entry.Prefix, entry.CA)
		}
	}
	return sum.Sum(nil)
}

// helperTime is how long a credential helper has to tell who the user is,
// before what is read is kept in memory alone.
const helperTime = 10 * time.Second

// dockerIdentity tells the docker configuration's credentials for a host apart,
// without showing them. A helper that gives another token each time makes
// another identity each time.
func (c *Client) dockerIdentity(keychain authn.Keychain, host string) (id string, lasting bool) {
	c.identities.Lock()
	defer c.identities.Unlock()
	if known, found := c.identityOf[host]; found {
		return known, known != ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), helperTime)
	defer cancel()
	secret, _, err := dockerSource(keychain, host).read(ctx)
	if err == nil {
		sum := sha256.Sum256([]byte(staticSource(secret).id))
		id = hex.EncodeToString(sum[:])
	}
	c.identityOf[host] = id
	return id, id != ""
}
