package registry

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// launch is what an image starts, and as whom.
type launch struct {
	// user is the config's: "nginx", "nginx:www".
	user string
	// words are those of Entrypoint and Cmd, and path is where programs are
	// looked for, as in the variable PATH.
	words []string
	path  string
}

// insides is what the layers of an image say of its launch.
type insides struct {
	user     plugin.NamedUser
	elevated []plugin.Elevated
}

// byName reports whether only the image's own files know the user's number.
func (l launch) byName() bool {
	name, _, _ := strings.Cut(l.user, ":")
	return name != "root" && !onlyDigits(name)
}

// onlyDigits reports whether a user or a group is a number, or nobody.
func onlyDigits(text string) bool { return strings.Trim(text, "0123456789") == "" }

// insides reads the layers of a single image from the top down until the
// user's number is known. What it learns is remembered by the manifest's
// digest; that the registry did not answer is not. Errors are those of
// [Client.Manifest].
func (c *Client) insides(ctx context.Context, repository string, leaf Manifest, start launch) (insides, error) {
	subject := "the layers of " + subjectOf(repository, leaf.Digest)
	origin, err := c.place(ctx, repository)
	if err != nil {
		return insides{}, explain(stageRegistry, subject, err)
	}
	key := factKey("insides", origin, leaf.Digest)
	value, err := c.remembered(ctx, key, func(ctx context.Context) (any, error) {
		select {
		case c.walks <- struct{}{}:
			defer func() { <-c.walks }()
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
		learnt, err := c.learn(ctx, origin, leaf, start)
		if err == nil {
			c.content.put(key, learnt, learnt.size(), c.options.Clock())
		}
		return learnt, err
	})
	if err != nil {
		return insides{}, explain(stageRegistry, subject, origin.session.inTrouble(err))
	}
	return value.(insides), nil
}

func (i insides) size() int64 {
	size := len(i.user.Layer) + len(i.user.Unknown) + len(i.user.Differs)
	for _, each := range i.elevated {
		size += len(each.Word) + len(each.Path) + len(each.Layer) + factOverhead
	}
	return int64(size)
}

func (c *Client) learn(ctx context.Context, origin place, leaf Manifest, start launch) (insides, error) {
	programs := start.programs()
	walk, err := c.newWalk(origin, leaf)
	var learnt insides
	if err == nil {
		learnt.user, err = walk.user(ctx, start.user, programs)
	}
	var reason untold
	if errors.As(err, &reason) {
		learnt.user, err = plugin.NamedUser{Unknown: string(reason)}, nil
	}
	for _, each := range programs {
		if each.file != nil && each.file.how != "" {
			learnt.elevated = append(learnt.elevated, plugin.Elevated{Word: each.word, Path: "/" + each.path, How: each.file.how, Layer: each.layer})
		}
	}
	return learnt, err
}

// program is a word of the command and a place where its file may be.
type program struct {
	word string
	*sought
}

// The most words of a command that may be programs, the most places where each
// is looked for, and the most bytes of a word and of a folder of PATH: each
// folder above is asked for as well.
const (
	mostWords   = 8
	mostPlaces  = 16
	longestName = 256
)

// usualPath is what runtimes set where an image sets none.
const usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// programs are the words that may be files. An option, and a word with a space
// or a folder that depends on where the command starts, is none.
func (l launch) programs() []program {
	folders := strings.Split(l.path, ":")
	var all []program
	words := 0
	for _, word := range l.words {
		if word == "" || strings.HasPrefix(word, "-") || strings.ContainsAny(word, " \t\n") || len(word) > longestName {
			continue
		}
		if words++; words > mostWords {
			break
		}
		var places []string
		switch {
		case strings.HasPrefix(word, "/"):
			places = []string{word}
		case !strings.Contains(word, "/"):
			for _, folder := range folders[:min(len(folders), mostPlaces)] {
				if len(folder) <= longestName {
					places = append(places, folder+"/"+word)
				}
			}
		}
		for _, at := range slices.Compact(slices.Sorted(slices.Values(merged(places)))) {
			all = append(all, program{word, seek(at, 0)})
		}
	}
	return all
}

// merged adds for /bin and /sbin the directories below /usr that they are
// links to in most distributions.
func merged(places []string) []string {
	var all []string
	for _, at := range places {
		at = strings.TrimPrefix(path.Clean("/"+at), "/")
		all = append(all, at)
		if strings.HasPrefix(at, "bin/") || strings.HasPrefix(at, "sbin/") {
			all = append(all, "usr/"+at)
		}
	}
	return all
}

// user finds the number of a user by name. The programs are looked for in the
// layers that are read for it.
func (w *walk) user(ctx context.Context, written string, programs []program) (plugin.NamedUser, error) {
	name, group, _ := strings.Cut(written, ":")
	others := make([]*sought, 0, len(programs)+1)
	for _, each := range programs {
		others = append(others, each.sought)
	}
	all, layer, err := w.accounts(ctx, "etc/passwd", others)
	if err != nil {
		return plugin.NamedUser{}, err
	}
	found, is := accountNamed(all, name)
	switch {
	case !is:
		return plugin.NamedUser{}, untold(fmt.Sprintf("the image's /etc/passwd has no user %.64q", name))
	case found.id < 0:
		return plugin.NamedUser{}, untold("what the image's /etc/passwd gives it is no number")
	}
	known := plugin.NamedUser{ID: found.id, Layer: layer}
	if first := accountNumbered(all, found.id); first.name != name {
		known.Differs = fmt.Sprintf("in the image's /etc/passwd the number %d is first of all that of %.64q", found.id, first.name)
		return known, nil
	}
	if group != "" {
		known.Differs, err = w.otherGroup(ctx, group, found.group)
	}
	return known, err
}

// otherGroup says that the group beside the user is not the user's own, which
// the runtime gives to a user by number.
func (w *walk) otherGroup(ctx context.Context, written string, own int64) (string, error) {
	id := numberIn([]string{written}, 0)
	if !onlyDigits(written) {
		all, _, err := w.accounts(ctx, "etc/group", nil)
		if err != nil {
			return "", err
		}
		found, is := accountNamed(all, written)
		if !is {
			return "", untold(fmt.Sprintf("the image's /etc/group has no group %.64q", written))
		}
		id = found.id
	}
	if id != own || own < 0 {
		return fmt.Sprintf("the image starts it with the group %.64q, which is not the user's own", written), nil
	}
	return "", nil
}

// accounts reads a file of users or groups, and says which layer has it.
func (w *walk) accounts(ctx context.Context, at string, others []*sought) ([]account, string, error) {
	most := w.left.limits.PasswdBytes
	found, err := w.follow(ctx, seek(at, most), others...)
	if err != nil {
		return nil, "", err
	}
	if reason := unreadable(found.file, most); reason != "" {
		return nil, "", untold(fmt.Sprintf("the image's /%s %s", at, reason))
	}
	all, err := accounts(found.file.content)
	if err != nil {
		return nil, "", untold(fmt.Sprintf("the image's /%s has a line that is too long", at))
	}
	return all, found.layer, nil
}

func unreadable(file *entry, most int64) string {
	switch {
	case file == nil:
		return "does not exist"
	case file.kind == tar.TypeDir:
		return "is a directory"
	case file.kind == tar.TypeLink:
		return "is a hard link"
	case file.kind != tar.TypeReg:
		return "is no plain file"
	case int64(len(file.content)) > most:
		return fmt.Sprintf("is larger than %d bytes (limit passwdBytes)", most)
	}
	return ""
}
