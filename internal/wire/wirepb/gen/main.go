// Command gen writes the Go code of the schemas (*.proto) in the working
// directory. It needs nothing but Go: it compiles the schemas itself and gives
// them to the protoc-gen-go of the module's google.golang.org/protobuf.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/pluginpb"
)

// prefix begins the names under which the schemas are registered in a program,
// so that they meet no other's.
const prefix = "perdure/"

func main() {
	if err := generate(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func generate(ctx context.Context) error {
	paths, err := filepath.Glob("*.proto")
	if err != nil {
		return err
	}
	var names []string
	for _, p := range paths {
		names = append(names, prefix+p)
	}
	request, err := compile(ctx, names)
	if err != nil {
		return err
	}
	answer, err := plugin(ctx, "google.golang.org/protobuf/cmd/protoc-gen-go", request)
	if err != nil {
		return err
	}
	for _, f := range answer.File {
		name := strings.TrimPrefix(f.GetName(), prefix)
		if err := os.WriteFile(name, []byte(f.GetContent()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// compile returns the request of a plugin: the named files and, before each,
// what it imports.
func compile(ctx context.Context, names []string) (*pluginpb.CodeGeneratorRequest, error) {
	compiler := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
			Accessor: func(name string) (io.ReadCloser, error) { return os.Open(strings.TrimPrefix(name, prefix)) },
		}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(ctx, names...)
	if err != nil {
		return nil, err
	}
	request := &pluginpb.CodeGeneratorRequest{
		FileToGenerate: names,
		Parameter:      proto.String("paths=source_relative"),
	}
	seen := map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] {
			return
		}
		seen[f.Path()] = true
		for imports, i := f.Imports(), 0; i < imports.Len(); i++ {
			add(imports.Get(i).FileDescriptor)
		}
		request.ProtoFile = append(request.ProtoFile, protoutil.ProtoFromFileDescriptor(f))
	}
	for _, f := range files {
		add(f)
	}
	return request, nil
}

// plugin runs a plugin of protoc.
func plugin(ctx context.Context, pkg string, request *pluginpb.CodeGeneratorRequest) (*pluginpb.CodeGeneratorResponse, error) {
	in, err := proto.Marshal(request)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", "run", pkg)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", pkg, err)
	}
	answer := &pluginpb.CodeGeneratorResponse{}
	if err := proto.Unmarshal(out, answer); err != nil {
		return nil, fmt.Errorf("%s: %w", pkg, err)
	}
	if answer.Error != nil {
		return nil, fmt.Errorf("%s: %s", pkg, answer.GetError())
	}
	return answer, nil
}
