package mutate

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
)

// piece is one end of an edit.
type piece struct {
	at, other int
	opens     bool
	text      string
}

// apply writes the file's edits into its source. Edits nest: at one place,
// what ends comes before what begins, and outer ones enclose inner ones.
func (f *finder) apply() []byte {
	var pieces []piece
	for _, one := range f.edits {
		pieces = append(pieces, piece{at: one.start, other: one.end, opens: true, text: one.open})
		if one.close != "" {
			pieces = append(pieces, piece{at: one.end, other: one.start, text: one.close})
		}
	}
	slices.SortStableFunc(pieces, func(a, b piece) int {
		if a.at != b.at || a.opens != b.opens {
			return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(rank(a), rank(b)))
		}
		return cmp.Compare(b.other, a.other)
	})
	var result bytes.Buffer
	last := 0
	for _, one := range pieces {
		result.Write(f.source[last:one.at])
		result.WriteString(one.text)
		last = one.at
	}
	result.Write(f.source[last:])
	return result.Bytes()
}

func rank(p piece) int {
	if p.opens {
		return 1
	}
	return 0
}

// switchboard is added to the woven package. Number 0 is nobody's.
const switchboard = `

import (
	"os"
	"strconv"
)

var mutantActive, _ = strconv.Atoi(os.Getenv("` + activeVariable + `"))

func mutantHolds(never, always int, holds bool) bool {
	switch {
	case mutantActive == 0:
		return holds
	case mutantActive == never:
		return false
	case mutantActive == always:
		return true
	}
	return holds
}

func mutantError(dropped int, err error) error {
	if mutantActive != 0 && mutantActive == dropped {
		return nil
	}
	return err
}
`

const activeVariable = "ASSAY_MUTANT"

// overlay writes the woven files and what the go command needs to see them in
// place of the tree's (go help build, -overlay).
func overlay(scratch, folder, packageName string, woven map[string][]byte) (string, error) {
	replaced := map[string]string{}
	put := func(original string, data []byte) error {
		absolute, err := filepath.Abs(original)
		if err != nil {
			return err
		}
		replaced[absolute] = filepath.Join(scratch, filepath.Base(original))
		return os.WriteFile(replaced[absolute], data, 0o644)
	}
	for name, data := range woven {
		if err := put(name, data); err != nil {
			return "", err
		}
	}
	if err := put(filepath.Join(folder, "mutant_switchboard.go"), []byte("package "+packageName+switchboard)); err != nil {
		return "", err
	}
	data, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return "", err
	}
	name := filepath.Join(scratch, "overlay.json")
	return name, os.WriteFile(name, data, 0o644)
}
