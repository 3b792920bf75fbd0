package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/model/auto"
)

// TestExamples has each folder beside this one in the table and in the index, and
// registers all that need nothing from outside.
func TestExamples(t *testing.T) {
	folders, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	index, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("MODEL_URL", "http://127.0.0.1:1/v1")
	t.Setenv("MODEL", "m")
	t.Setenv("PAYMENTS_URL", "http://127.0.0.1:1")
	all := examples()
	for _, f := range folders {
		name := f.Name()
		if !f.IsDir() || name == "serve" {
			continue
		}
		if !strings.Contains(string(index), "]("+name+")") {
			t.Errorf("examples/README.md does not link %s", name)
		}
		if name == "cluster" || name == "push" {
			continue // programs of their own
		}
		if code, err := filepath.Glob("../" + name + "/*.go"); err != nil || len(code) == 0 {
			continue // in another language, run by internal/sdk
		}
		if all[name] == nil {
			t.Errorf("serve does not know %s", name)
			continue
		}
		if name == "mcpclient" {
			continue // has to connect
		}
		reg := perdure.NewRegistry()
		if err := all[name](t.Context(), reg, auto.NewDemo(auto.DemoConfig{})); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := reg.Err(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNeeded names what an example lacks, before anything is registered.
func TestNeeded(t *testing.T) {
	for name, variable := range map[string]string{"provider": "MODEL_URL", "refund": "PAYMENTS_URL", "mcpclient": "MCP_URL"} {
		t.Setenv(variable, "")
		err := examples()[name](t.Context(), perdure.NewRegistry(), auto.NewDemo(auto.DemoConfig{}))
		if err == nil || !strings.Contains(err.Error(), "set "+variable) {
			t.Errorf("%s without %s = %v, want an error that says to set it", name, variable, err)
		}
	}
}
