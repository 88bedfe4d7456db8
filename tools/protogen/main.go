// Command protogen writes the Go code of a .proto file beside it, with the
// generators that this module pins and no protoc.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: protogen FILE.proto (from the folder of this module)")
		os.Exit(64)
	}
	if err := generate(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "protogen:", err)
		os.Exit(1)
	}
}

func generate(ctx context.Context, file string) error {
	request, err := compile(ctx, file)
	if err != nil {
		return err
	}
	for _, generator := range []string{"protoc-gen-go", "protoc-gen-go-grpc"} {
		if err := run(ctx, generator, request, filepath.Dir(file)); err != nil {
			return fmt.Errorf("running %s: %w", generator, err)
		}
	}
	return nil
}

// compile reads the file and what it imports into what generators are asked with.
func compile(ctx context.Context, file string) ([]byte, error) {
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{filepath.Dir(file)}}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	name := filepath.Base(file)
	files, err := compiler.Compile(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("compiling %s: %w", file, err)
	}
	request := &pluginpb.CodeGeneratorRequest{FileToGenerate: []string{name}, Parameter: proto.String("paths=source_relative")}
	for _, compiled := range files {
		request.ProtoFile = append(request.ProtoFile, withImports(compiled)...)
	}
	return proto.Marshal(request)
}

// withImports lists a file behind those that it imports.
func withImports(file protoreflect.FileDescriptor) []*descriptorpb.FileDescriptorProto {
	var list []*descriptorpb.FileDescriptorProto
	imports := file.Imports()
	for i := range imports.Len() {
		list = append(list, withImports(imports.Get(i).FileDescriptor)...)
	}
	return append(list, protoutil.ProtoFromFileDescriptor(file))
}

func run(ctx context.Context, generator string, request []byte, folder string) error {
	command := exec.CommandContext(ctx, "go", "tool", generator)
	command.Stdin, command.Stderr = bytes.NewReader(request), os.Stderr
	out, err := command.Output()
	if err != nil {
		return err
	}
	var response pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(out, &response); err != nil {
		return err
	}
	if response.Error != nil {
		return errors.New(response.GetError())
	}
	for _, made := range response.GetFile() {
		if err := os.WriteFile(filepath.Join(folder, made.GetName()), []byte(made.GetContent()), 0o644); err != nil {
			return err
		}
	}
	return nil
}
