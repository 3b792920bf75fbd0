// Command gen writes what describes the REST API to others: internal/httpapi/openapi.json
// and dashboard/ui/src/api.d.ts. Both come from httpapi.Operations, the Go types that
// these name and the comments on them. It is run by go generate ./dashboard.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/perdure/perdure/internal/httpapi"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run() error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	files, err := generate(root)
	if err != nil {
		return err
	}
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// generate returns the files by their paths in the module at root.
func generate(root string) (map[string][]byte, error) {
	docs, err := readComments(root, "internal/httpapi", "agent", "model")
	if err != nil {
		return nil, err
	}
	s := newSchemas(docs)
	operations := httpapi.Operations()
	s.add(httpapi.Problem())
	for _, o := range operations {
		s.add(o.Reply, o.DryRun)
		for _, e := range o.Events {
			s.add(e)
		}
	}
	s.asking = true
	for _, o := range operations {
		s.add(o.Body)
	}
	s.name()
	document, err := openAPI(operations, s)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		"internal/httpapi/openapi.json": document,
		"dashboard/ui/src/api.d.ts":     declarations(operations, s),
	}, nil
}

// moduleRoot returns the nearest folder above with a go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("no go.mod above the working directory")
		}
		dir = parent
	}
}
