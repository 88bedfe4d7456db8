package render

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
)

// generate puts the kustomization that kustomize-controller would write into
// the tree in front of it: the folder's own, or one that names what is in it,
// with the parameters in it (github.com/fluxcd/pkg/kustomize, Generator).
func (b *kustomizeBuild) generate(ctx context.Context, parameters plugin.FluxParameters) ([]plugin.Finding, error) {
	name, found := b.files.kustomization(b.folder)
	k := types.Kustomization{TypeMeta: types.TypeMeta{APIVersion: types.KustomizationVersion, Kind: types.KustomizationKind}}
	var findings []plugin.Finding
	var written []byte
	var err error
	if found {
		written, findings, err = b.readFlux(name, &k)
	} else {
		name = path.Join(b.folder, kustomizationNames()[0])
		err = b.listFlux(ctx, &k, parameters.Checkout)
	}
	if err != nil {
		return nil, err
	}
	if err := b.overrideFlux(&k, parameters); err != nil {
		return nil, err
	}
	changed, err := yaml.Marshal(k)
	if err != nil {
		return nil, invalid(plugin.Origin{File: name}, "writing the kustomization with the parameters", err)
	}
	b.files.written[name], b.files.overlay[name] = written, changed
	return findings, nil
}

// readFlux reads a kustomization as kustomize-controller does, which knows no
// wrong field: what it does not know is lost when it writes the file again.
func (b *kustomizeBuild) readFlux(name string, k *types.Kustomization) (written []byte, findings []plugin.Finding, err error) {
	origin := plugin.Origin{File: name}
	written, err = b.files.read(name)
	if err != nil {
		return nil, nil, refuseRead(err, origin)
	}
	if err := checkBounds(written, b.files.tree.limits, origin); err != nil {
		return nil, nil, err
	}
	if err := yaml.Unmarshal(written, k); err != nil {
		return nil, nil, brokenKustomization(written, origin, err)
	}
	if len(k.Resources) == 0 {
		k.BuildMetadata = []string{types.OriginAnnotations} // as there, so that kustomize does not call it empty
	}
	var strict types.Kustomization
	if err := strict.Unmarshal(written); err != nil && unknownField.MatchString(err.Error()) {
		refusal := brokenKustomization(written, origin, err)
		findings = append(findings, plugin.Finding{
			Rule: ruleInvalid, Level: plugin.Warn, Origin: refusal.Origin, Message: refusal.Message + "; Flux leaves it out",
			Why: "what is left out without a word is believed to be applied", Hint: "correct the field's name, or remove it",
		})
	}
	return written, findings, nil
}

// placeholderNamespace is what kustomize-controller writes into a
// kustomization of nothing. Components may add objects, which land in it.
const placeholderNamespace = "_placeholder"

// listFlux makes a kustomization of a folder that has none.
func (b *kustomizeBuild) listFlux(ctx context.Context, k *types.Kustomization, checkout *plugin.FluxCheckout) error {
	scan := &fluxScan{files: b.files, root: b.folder, ignore: newSourceIgnore(checkout)}
	if err := scan.folder(ctx, b.folder); err != nil {
		return err
	}
	if k.Resources = scan.resources; len(k.Resources) == 0 {
		k.Namespace = placeholderNamespace
	}
	return nil
}

// overrideFlux puts the parameters over what the kustomization says.
func (b *kustomizeBuild) overrideFlux(k *types.Kustomization, parameters plugin.FluxParameters) error {
	for _, field := range []struct {
		to   *string
		from string
	}{{&k.Namespace, parameters.TargetNamespace}, {&k.NamePrefix, parameters.NamePrefix}, {&k.NameSuffix, parameters.NameSuffix}} {
		if field.from != "" {
			*field.to = field.from
		}
	}
	for _, patch := range parameters.Patches {
		k.Patches = append(k.Patches, types.Patch{Patch: patch.Patch, Target: selector(patch.Target)})
	}
	for _, component := range parameters.Components {
		err := b.component(component)
		var refusal *plugin.Refusal
		if parameters.IgnoreMissingComponents && errors.As(err, &refusal) && refusal.Rule == ruleMissing {
			continue
		}
		if err != nil {
			return err
		}
		k.Components = append(k.Components, component)
	}
	for _, image := range parameters.Images {
		k.Images = withImage(k.Images, image)
	}
	return nil
}

func selector(target *plugin.FluxSelector) *types.Selector {
	if target == nil {
		return nil
	}
	out := &types.Selector{AnnotationSelector: target.AnnotationSelector, LabelSelector: target.LabelSelector}
	out.Group, out.Version, out.Kind = target.Group, target.Version, target.Kind
	out.Name, out.Namespace = target.Name, target.Namespace
	return out
}

// component refuses a component of the parameters that is not in the tree.
func (b *kustomizeBuild) component(entry string) error {
	at := plugin.Origin{File: b.folder}
	if isRemote(entry) {
		return refuseRemote(entry, at)
	}
	name, err := within(b.folder, entry)
	if err != nil {
		return refuseRead(err, at)
	}
	if _, err = b.files.tree.stat(name); err == nil {
		return nil
	}
	err = missingPath(b.files.tree, name, err)
	var refusal *plugin.Refusal
	if errors.As(err, &refusal) && refusal.Rule == ruleMissing {
		refusal.Origin, refusal.Message = at, fmt.Sprintf("the component %q of the parameters is not there: %s", entry, refusal.Message)
	}
	return err
}

// withImage merges one image into a list: the name, and the tag and digest
// together, over those of the same image.
func withImage(images []types.Image, image plugin.FluxImage) []types.Image {
	same := slices.IndexFunc(images, func(i types.Image) bool { return i.Name == image.Name })
	if same < 0 {
		return append(images, types.Image{Name: image.Name, NewName: image.NewName, NewTag: image.NewTag, Digest: image.Digest})
	}
	if image.NewName != "" {
		images[same].NewName = image.NewName
	}
	if image.NewTag != "" || image.Digest != "" {
		images[same].NewTag, images[same].Digest = image.NewTag, image.Digest
	}
	return images
}

// namedPatches are the parameters' patches as an error names them.
func namedPatches(patches []plugin.FluxPatch) []plugin.KustomizePatch {
	named := make([]plugin.KustomizePatch, len(patches))
	for i, patch := range patches {
		named[i].Patch = patch.Patch
		if patch.Target == nil {
			continue
		}
		if text, err := yaml.Marshal(patch.Target); err == nil {
			named[i].Target = strings.TrimSpace(string(text))
		}
	}
	return named
}
