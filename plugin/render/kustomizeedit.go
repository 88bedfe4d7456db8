package render

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
)

func isZeroParameters(parameters plugin.KustomizeParameters) bool {
	return reflect.ValueOf(parameters).IsZero()
}

// editKustomization does what `kustomize edit` does for each parameter, in the
// order of Argo CD's calls.
func (b *kustomizeBuild) editKustomization(k *types.Kustomization, parameters plugin.KustomizeParameters) error {
	if parameters.NamePrefix != "" {
		k.NamePrefix = parameters.NamePrefix
	}
	if parameters.NameSuffix != "" {
		k.NameSuffix = parameters.NameSuffix
	}
	if err := setImages(k, parameters.Images); err != nil {
		return err
	}
	setReplicaCounts(k, parameters.Replicas)
	if err := addLabels(k, parameters); err != nil {
		return err
	}
	if err := addMetadata(&k.CommonAnnotations, metadataEdit{"annotation", parameters.CommonAnnotations, parameters.ForceCommonAnnotations}); err != nil {
		return err
	}
	if parameters.Namespace != "" {
		k.Namespace = parameters.Namespace
	}
	for i, patch := range parameters.Patches {
		added := types.Patch{Patch: patch.Patch, Path: patch.Path}
		if len(patch.Options) > 0 {
			options, err := json.Marshal(patch.Options)
			if err == nil {
				err = yaml.UnmarshalStrict(options, &added.Options)
			}
			if err != nil {
				return invalid(plugin.Origin{}, fmt.Sprintf("reading the options of patch %d of the parameters", i+1), err)
			}
		}
		if patch.Target != "" {
			if err := yaml.UnmarshalStrict([]byte(patch.Target), &added.Target); err != nil {
				return invalid(plugin.Origin{}, fmt.Sprintf("reading the target of patch %d of the parameters", i+1), err)
			}
		}
		k.Patches = append(k.Patches, added)
	}
	return b.addComponents(k, parameters)
}

// keepAsterisk in an image parameter keeps what the kustomization says.
const keepAsterisk = "*"

// setImages is `kustomize edit set image`: an image of the same name is
// replaced, and the list is sorted by name.
func setImages(k *types.Kustomization, written []string) error {
	if len(written) == 0 {
		return nil
	}
	images := map[string]types.Image{}
	for _, argument := range written {
		image, err := parseImage(argument)
		if err != nil {
			return err
		}
		images[image.Name] = image
	}
	for _, present := range k.Images {
		image, replaced := images[present.Name]
		if !replaced {
			images[present.Name] = present
			continue
		}
		if image.NewName == keepAsterisk {
			image.NewName = present.NewName
		}
		if image.NewTag == keepAsterisk {
			image.NewTag = present.NewTag
		}
		if image.Digest == keepAsterisk {
			image.Digest = present.Digest
		}
		images[present.Name] = image
	}
	k.Images = nil
	for _, name := range slices.Sorted(maps.Keys(images)) {
		image := images[name]
		for _, field := range []*string{&image.NewName, &image.NewTag, &image.Digest} {
			if *field == keepAsterisk {
				*field = ""
			}
		}
		k.Images = append(k.Images, image)
	}
	return nil
}

var imageTagPattern = regexp.MustCompile(`^(.*):([a-zA-Z0-9._-]*|\*)$`)

// parseImage reads name=newname:tag, name=newname@digest, name=newname,
// name:tag or name@digest.
func parseImage(written string) (types.Image, error) {
	name, replacement, renamed := strings.Cut(written, "=")
	if !renamed {
		replacement = written
	}
	image := types.Image{}
	newName := replacement
	if before, digest, found := strings.Cut(replacement, "@"); found {
		newName, image.Digest = before, digest
	} else if match := imageTagPattern.FindStringSubmatch(replacement); match != nil {
		newName, image.NewTag = match[1], match[2]
	} else if !renamed {
		return image, imageError(written)
	}
	if image.Name = newName; renamed {
		image.Name, image.NewName = name, newName
	}
	if image.Name == "" || newName == "" {
		return image, imageError(written)
	}
	return image, nil
}

func imageError(written string) error {
	return invalid(plugin.Origin{}, fmt.Sprintf("the image parameter %q is not name=newname:tag, name=newname@digest, name:tag or name@digest", written), nil)
}
