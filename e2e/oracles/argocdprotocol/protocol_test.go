// Package argocdprotocol compares our protocol of Argo CD's plugins with the
// files that Argo CD's own code is generated from, in each version that we
// follow: the same services, methods, messages, field numbers and types are the
// same bytes.
package argocdprotocol

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile/parser"
	"github.com/bufbuild/protocompile/reporter"
	"google.golang.org/protobuf/types/descriptorpb"
)

const ours = "../../../plugin/argocd/protocol/plugin.proto"

// versions are the modules of Argo CD that we follow.
func versions() []string {
	return []string{"github.com/argoproj/argo-cd/v2@v2.14.21", "github.com/argoproj/argo-cd/v3@v3.5.7"}
}

// wire is what decides about bytes: "Message.field" or "Service.Method", and
// its number and type.
type wire map[string]string

func TestProtocol_IsArgoCDs(t *testing.T) {
	mine := read(t, ours)
	for _, version := range versions() {
		dir := download(t, version)
		theirs := read(t, filepath.Join(dir, "cmpserver/plugin/plugin.proto"))
		maps.Copy(theirs, only(read(t, filepath.Join(dir, "reposerver/repository/repository.proto")), "ParameterAnnouncement."))
		if len(theirs) < 20 {
			t.Fatalf("%s: only %d fields and methods were found", version, len(theirs))
		}
		for _, difference := range compare(mine, theirs) {
			t.Errorf("%s: %s", version, difference)
		}
		t.Logf("argocdprotocol: %s: %d fields and methods are the same", version, len(theirs))
	}
}

// TestProtocol_ComparisonCanFail with another number, type, name and streaming.
func TestProtocol_ComparisonCanFail(t *testing.T) {
	const text = "syntax = \"proto3\"; package plugin; service S { rpc R(stream M) returns (M); } message M { string a = 1; }"
	good := parse(t, text)
	for _, bad := range []string{
		strings.Replace(text, "= 1", "= 2", 1), strings.Replace(text, "string a", "bytes a", 1), strings.Replace(text, "string a", "string b", 1),
		strings.Replace(text, "stream ", "", 1), strings.Replace(text, "package plugin", "package other", 1), strings.Replace(text, "string a", "repeated string a", 1),
	} {
		if len(compare(good, parse(t, bad))) == 0 {
			t.Errorf("no difference was seen in %s", bad)
		}
	}
}

func compare(mine, theirs wire) []string {
	var differences []string
	for _, name := range slices.Sorted(maps.Keys(theirs)) {
		if mine[name] != theirs[name] {
			differences = append(differences, fmt.Sprintf("%s is %q there and %q here", name, theirs[name], mine[name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(mine)) {
		if _, there := theirs[name]; !there {
			differences = append(differences, name+" is not there")
		}
	}
	return differences
}

func only(all wire, prefix string) wire {
	found := wire{}
	for name, what := range all {
		if strings.HasPrefix(name, prefix) {
			found[name] = what
		}
	}
	return found
}

func download(t *testing.T, version string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", version)
	command.Dir = t.TempDir() // outside of this module: nothing of Argo CD is required by it
	out, err := command.Output()
	if err != nil {
		t.Fatalf("downloading %s: %v\n%s", version, err, out)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil || module.Dir == "" {
		t.Fatalf("downloading %s: %v, %s", version, err, out)
	}
	return module.Dir
}

func read(t *testing.T, name string) wire {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(data))
}

// parse reads a file without what it imports: a type's own name is enough.
func parse(t *testing.T, text string) wire {
	t.Helper()
	handler := reporter.NewHandler(nil)
	file, err := parser.Parse("x.proto", strings.NewReader(text), handler)
	if err != nil {
		t.Fatal(err)
	}
	result, err := parser.ResultFromAST(file, false, handler)
	if err != nil {
		t.Fatal(err)
	}
	described := result.FileDescriptorProto()
	found := wire{}
	for _, message := range described.GetMessageType() {
		describe(found, message, "")
	}
	for _, service := range described.GetService() {
		for _, method := range service.GetMethod() {
			found[described.GetPackage()+"."+service.GetName()+"/"+method.GetName()] = fmt.Sprintf("(stream %v %s) returns (stream %v %s)",
				method.GetClientStreaming(), lastName(method.GetInputType()), method.GetServerStreaming(), lastName(method.GetOutputType()))
		}
	}
	return found
}

func describe(found wire, message *descriptorpb.DescriptorProto, within string) {
	name := within + message.GetName()
	for _, field := range message.GetField() {
		typed := strings.TrimPrefix(field.GetType().String(), "TYPE_")
		if field.GetTypeName() != "" {
			typed = lastName(field.GetTypeName())
		}
		found[name+"."+field.GetName()] = fmt.Sprintf("%s %s = %d", field.GetLabel(), typed, field.GetNumber())
	}
	for _, nested := range message.GetNestedType() {
		describe(found, nested, name+".")
	}
}

func lastName(name string) string { return name[strings.LastIndex(name, ".")+1:] }
