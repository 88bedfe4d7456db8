package reports

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit"
	"github.com/assay-gitops/assay/plugin/registry/facts"
)

// The files of one application.
const (
	lastFile     = "last.jsonl"
	historyFile  = "history.jsonl"
	sealedPrefix = "sealed-"
	sealedSuffix = ".json.gz"
)

// Bounds for one file, in bytes; mostManifests is of manifests before they are
// packed.
const (
	mostFile      = 16 << 20
	mostManifests = 16 << 20
)

// readRecords reads a file of records. Lines that are none are counted; a file
// that is not there holds none.
func readRecords(name string) (records []audit.Record, damaged int, err error) {
	data, err := readFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	for line := range bytes.Lines(data) {
		var record audit.Record
		if json.Unmarshal(line, &record) != nil || record.Schema != audit.Schema {
			damaged++
			continue
		}
		records = append(records, record)
	}
	return records, damaged, nil
}

func readFile(name string) ([]byte, error) {
	file, err := os.Open(name) //nolint:gosec // names are hashes
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // nothing was written
	data, err := io.ReadAll(io.LimitReader(file, mostFile+1))
	if err == nil && len(data) > mostFile {
		err = fmt.Errorf("it is larger than %d bytes", mostFile)
	}
	return data, err
}

func writeRecords(name string, records []audit.Record) error {
	var data []byte
	for _, record := range records {
		line, err := record.Line()
		if err != nil {
			return err
		}
		data = append(data, line...)
	}
	return facts.Replace(name, data)
}

// sealDigest is the form of a seal's digest; a file's name is made of it.
var sealDigest = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

func sealedFile(folder, digest string) string {
	return filepath.Join(folder, sealedPrefix+strings.TrimPrefix(digest, "sha256:")+sealedSuffix)
}

// keepSealed keeps what was sealed, without the values of Secrets.
func keepSealed(folder string, record audit.Record, entry audit.Entry) error {
	if record.Outcome != plugin.Allowed || len(entry.Manifests) == 0 || len(entry.Manifests) > mostManifests || !sealDigest.MatchString(record.Sealed) {
		return nil
	}
	name := sealedFile(folder, record.Sealed)
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	shown, err := masked(entry.Manifests, entry.Hidden)
	if err != nil {
		return fmt.Errorf("hiding the Secrets of what was sealed: %w", err)
	}
	var packed bytes.Buffer
	packer := gzip.NewWriter(&packed)
	if _, err := packer.Write(shown); err != nil {
		return err
	}
	if err := packer.Close(); err != nil {
		return err
	}
	return facts.Replace(name, packed.Bytes())
}

// dropSealed removes manifests that no record of the history needs.
func dropSealed(folder string, history []audit.Record) error {
	needed := map[string]bool{}
	for _, record := range history {
		if record.Outcome == plugin.Allowed && len(needed) < mostSealed {
			needed[filepath.Base(sealedFile(folder, record.Sealed))] = true
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var problems []error
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), sealedPrefix) && !needed[entry.Name()] {
			problems = append(problems, os.Remove(filepath.Join(folder, entry.Name())))
		}
	}
	return errors.Join(problems...)
}

// ErrNotKept is the answer about manifests that are not in the store.
var ErrNotKept = errors.New("they are not kept")

// Sealed are the manifests of an allowed record, one JSON document a line, with
// [plugin.Masked] in the place of the values of Secrets. Their digest is
// another one.
func (s *Store) Sealed(application, digest string) ([]byte, error) {
	if !sealDigest.MatchString(digest) {
		return nil, ErrNotKept
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	data, err := readFile(sealedFile(filepath.Join(s.dir, ID(application)), digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotKept
	}
	if err != nil {
		return nil, fmt.Errorf("reading manifests of %s: %w", application, err)
	}
	unpacker, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("unpacking manifests of %s: %w", application, err)
	}
	manifests, err := io.ReadAll(io.LimitReader(unpacker, mostFile+1))
	if err == nil && len(manifests) > mostFile {
		err = fmt.Errorf("they are larger than %d bytes", mostFile)
	}
	if err != nil {
		return nil, fmt.Errorf("unpacking manifests of %s: %w", application, err)
	}
	return manifests, nil
}

// masked hides the values of Secrets wherever they stand in manifests, and leaves
// manifests that can be judged again.
func masked(sealed []byte, hidden []string) ([]byte, error) {
	encoding := plugin.JSONEncoding{}
	objects, err := encoding.Decode(sealed)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, object := range objects {
		id := object.ID()
		for _, name := range []string{id.Name, id.Namespace, id.Kind, id.APIVersion} {
			known[name] = true
		}
	}
	mask := plugin.NewMask(hidden, objects, known)
	for i, object := range objects {
		object = plugin.MaskObject(object)
		if data, isMap := object.Fields["data"].(map[string]any); isMap && object.ID().Kind == "Secret" {
			for name, value := range data {
				if value == plugin.Masked { // data is base64
					data[name] = base64.StdEncoding.EncodeToString([]byte(plugin.Masked))
				}
			}
		}
		fields, _ := hide(mask, object.Fields).(map[string]any)
		objects[i] = plugin.Object{Fields: fields}
	}
	return encoding.Encode(objects)
}

// hide returns a copy of a value with every text masked.
func hide(mask plugin.Mask, value any) any {
	switch value := value.(type) {
	case string:
		return mask.Hide(value)
	case map[string]any:
		out := make(map[string]any, len(value))
		for name, each := range value {
			out[name] = hide(mask, each)
		}
		return out
	case []any:
		out := slices.Clone(value)
		for i := range out {
			out[i] = hide(mask, out[i])
		}
		return out
	}
	return value
}
