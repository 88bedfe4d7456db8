package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// build is the single image that was chosen, and those of the other platforms
// that are required: their nodes start the container by the same manifests.
type build struct {
	leaf   Manifest
	others []Descriptor
}

// others are the builds for the required platforms without the chosen one.
// Users of Windows have no numbers.
func (i Inspector) others(leaves []Descriptor, chosen string) []Descriptor {
	var all []Descriptor
	for _, want := range i.Platforms {
		at := slices.IndexFunc(leaves, func(leaf Descriptor) bool { return fits(leaf.Platform, want) })
		if at < 0 || leaves[at].Digest == chosen || strings.HasPrefix(want, "windows/") {
			continue
		}
		if !slices.ContainsFunc(all, func(known Descriptor) bool { return known.Digest == leaves[at].Digest }) {
			all = append(all, leaves[at])
		}
	}
	return all
}

// launch is what the config says of it.
func (c imageConfig) launch() launch {
	return launch{user: c.config.User, words: slices.Concat(c.config.Entrypoint, c.config.Cmd), path: c.path}
}

// lookInside asks the layers for what the config says by name only. Where they
// are not read, it says why, so that nobody takes silence for an answer.
func (i Inspector) lookInside(ctx context.Context, image *plugin.Image, read imageConfig, of build) error {
	repository, config := image.Reference.Repository, image.Config
	found, err := i.Client.insides(ctx, repository, of.leaf, read.launch())
	for _, leaf := range of.others {
		if err != nil || found.user.Unknown != "" {
			break
		}
		var other insides
		if other, err = i.insidesOf(ctx, repository, leaf, config.User); err == nil {
			found = found.alike(other, leaf.Platform)
		}
	}
	var refusal *plugin.Refusal
	switch {
	case errors.As(err, &refusal):
		found.user = plugin.NamedUser{Unknown: "the layers that would tell it are not what the manifest says"}
	case err != nil:
		found.user = plugin.NamedUser{Unknown: "the layers that would tell it could not be looked at", NoAnswer: true}
	}
	config.Named, config.Elevated = &found.user, found.elevated
	return err
}

// insidesOf is what the build for another platform says, whose config must have
// the same user.
func (i Inspector) insidesOf(ctx context.Context, repository string, leaf Descriptor, user string) (insides, error) {
	manifest, err := i.Client.Manifest(ctx, repository, leaf.Digest)
	if err != nil {
		return insides{}, err
	}
	read, found, err := i.readConfig(ctx, repository, manifest)
	if err != nil {
		return insides{}, err
	}
	if !found || read.config.User != user {
		return insides{user: plugin.NamedUser{Unknown: fmt.Sprintf("its user is %.64q", read.config.User)}}, nil
	}
	return i.Client.insides(ctx, repository, manifest, read.launch())
}

// alike joins what two platforms' builds say: one number is written for both.
func (i insides) alike(other insides, platform string) insides {
	// What is shared is not changed.
	joined := insides{user: i.user, elevated: slices.Concat(i.elevated, other.elevated)}
	switch {
	case other.user.Unknown != "":
		joined.user = plugin.NamedUser{Unknown: fmt.Sprintf("of the image for %s: %s", platform, other.user.Unknown)}
	case other.user.ID != i.user.ID:
		joined.user = plugin.NamedUser{Unknown: fmt.Sprintf("it is %d, but %d in the image for %s", i.user.ID, other.user.ID, platform)}
	case joined.user.Differs == "":
		joined.user.Differs = other.user.Differs
	}
	return joined
}
