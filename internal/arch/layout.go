package arch

import (
	"path"
	"strings"
)

// Layout is the table of rules that [Check] applies.
type Layout struct {
	// Module is the path of the module.
	Module string
	// Levels orders the packages from the lowest level to the highest. An
	// entry is a folder ("." is the root), a folder and its direct children
	// without itself ("store/*"), or a folder and all below it
	// ("examples/..."). The longest entry that fits a package decides.
	Levels [][]string
	// Suites are the packages that exist for tests. Test files of every level
	// may import them; product code may not, unless it is itself a suite.
	Suites []string
	// Dependencies are the other modules that may be imported.
	Dependencies []Dependency
	// Forbidden maps import paths that nobody may have to the reason.
	Forbidden map[string]string
	// Pure lists the packages that read no clock, draw no randomness, do no
	// I/O and start no goroutine.
	Pure []string
	// Limits bounds sizes.
	Limits Limits
	// BannedNames are names that no package and no folder may have.
	BannedNames []string
	// Internal lists the entries, written as in Levels, whose exported names
	// need no comment.
	Internal []string
	// Exceptions are places that may break a rule.
	Exceptions []Exception
}

// Dependency is a module that may be imported.
type Dependency struct {
	// Module is the module's path, without a major version if every major
	// version is meant.
	Module string
	// Owners are the packages, written as in Layout.Levels, that may import
	// it, with their tests. Empty means every package.
	Owners []string
	// Tests allows every test file and every suite to import it; with no
	// owner, nothing else may.
	Tests bool
}

// Limits bounds sizes. They do not hold for test files and generated files.
type Limits struct {
	// FileLines is the longest file, in lines.
	FileLines int
	// FuncLines is the longest function, in lines from func to the closing brace.
	FuncLines int
	// Methods is the largest interface. Embedded interfaces count as none.
	Methods int
}

// Exception lets one place break one rule.
type Exception struct {
	// Rule is the rule that does not hold.
	Rule Rule
	// Name is the file, or file:Declaration for functions, types and variables.
	Name string
	// Reason says why. It must not be empty.
	Reason string
}

// Perdure returns the layout of this module. New packages are added to
// Levels, new modules to Dependencies together with a page in docs/decisions.
func Perdure() Layout {
	return Layout{
		Module: "github.com/perdure/perdure",
		Levels: [][]string{
			{"internal/clock", "internal/fault", "internal/history", "internal/arch", "internal/process", "internal/mux", "internal/signing", "internal/wire/wirepb", "internal/wire/wirepb/gen", "model"},
			{"store", ".", "internal/engine", "internal/filter", "internal/dafx"},
			{"store/*", "internal/filter/filtertest", "store/postgres/pgtest", "store/postgres/pgproxy", "internal/replay", "internal/hub", "internal/steps", "internal/access", "model/*"},
			{"internal/wire/codec", "internal/runlog", "internal/series", "internal/audit"},
			{"internal/shard", "internal/wire", "internal/hub/hubtest", "internal/chaos/ledger", "model/auto"},
			{"internal/hub/local", "internal/hub/remote", "internal/hub/push", "internal/peer"},
			{"client"},
			{"agent", "schedule"},
			{"agent/mcp", "agent/egress", "agent/pattern", "internal/httpapi", "internal/responses", "internal/webhook"},
			{"dashboard", "internal/httpapi/gen"},
			{"host"},
			{"perduretest", "internal/bench", "internal/sdk", "dashboard/browser", "internal/chaos", "internal/chaos/nodes", "examples/..."},
			{"internal/chaos/crashes", "cmd/...", "examples/serve"},
		},
		Suites:       []string{"internal/process", "internal/filter/filtertest", "store/storetest", "store/postgres/pgtest", "store/postgres/pgproxy", "internal/hub/hubtest", "internal/chaos/ledger", "internal/chaos/crashes", "model/modeltest", "perduretest"},
		Dependencies: dependencies(),
		Forbidden: map[string]string{
			"C":            "the module builds without cgo",
			"encoding/gob": "stored and received bytes are protobuf or JSON: no type is named by bytes",
			"plugin":       "code is linked, never loaded",
			"unsafe":       "bytes from disk and network are decoded by checked code (Sizeof and the like are free)",
		},
		Pure:        []string{"internal/engine", "internal/history", "internal/dafx", "internal/steps"},
		Limits:      Limits{FileLines: 600, FuncLines: 100, Methods: 5},
		BannedNames: []string{"util", "utils", "common", "types", "models", "pkg", "helper", "helpers", "misc"},
		Internal:    []string{"internal/...", "cmd/...", "examples/..."},
		Exceptions: []Exception{
			{Rule: RuleSuite, Name: "cmd/perdure/model.go", Reason: "perdure model serves the scripted model to programs in other languages"},
		},
	}
}

func dependencies() []Dependency {
	return []Dependency{
		{Module: "github.com/cockroachdb/pebble", Owners: []string{"store/pebble"}},
		{Module: "github.com/jackc/pgx", Owners: []string{"store/postgres"}, Tests: true},
		{Module: "github.com/openai/openai-go", Owners: []string{"model/openai"}, Tests: true},
		{Module: "github.com/Azure/azure-sdk-for-go", Owners: []string{"model/openai", "internal/hub/remote"}},
		{Module: "github.com/anthropics/anthropic-sdk-go", Owners: []string{"model/anthropic"}},
		{Module: "github.com/spf13/cobra", Owners: []string{"cmd/..."}},
		{Module: "golang.org/x/sys", Owners: []string{"cmd/perdure"}},
		{Module: "github.com/robfig/cron", Owners: []string{"schedule"}},
		{Module: "github.com/modelcontextprotocol/go-sdk", Owners: []string{"agent/mcp"}},
		{Module: "github.com/google/jsonschema-go", Owners: []string{"agent", "agent/mcp", "model"}, Tests: true},
		{Module: "go.opentelemetry.io/otel/sdk", Owners: []string{"host"}, Tests: true},
		{Module: "go.opentelemetry.io/otel/exporters", Owners: []string{"host"}},
		{Module: "go.opentelemetry.io/otel", Owners: []string{"agent", "host"}, Tests: true},
		{Module: "github.com/prometheus/client_golang", Owners: []string{"host"}},
		{Module: "google.golang.org/protobuf"},
		{Module: "google.golang.org/grpc", Owners: []string{"internal/wire/...", "internal/hub/remote", "host", "internal/bench"}, Tests: true},
		{Module: "golang.org/x/net", Owners: []string{"internal/mux"}, Tests: true},
		{Module: "github.com/bufbuild/protocompile", Owners: []string{"internal/wire/wirepb/gen"}},
		{Module: "github.com/google/go-cmp", Tests: true},
		{Module: "go.uber.org/goleak", Tests: true},
		{Module: "pgregory.net/rapid", Tests: true},
		{Module: "github.com/anishathalye/porcupine", Owners: []string{"internal/chaos/ledger"}},
	}
}

// level returns the index in Levels of the package in dir, and the entry that
// decided. The index is -1 if no entry fits.
func (l Layout) level(dir string) (int, string) {
	best, entry := -1, ""
	for i, entries := range l.Levels {
		for _, e := range entries {
			if fits(e, dir) && len(e) > len(entry) {
				best, entry = i, e
			}
		}
	}
	return best, entry
}

// fits reports whether the package in dir is meant by an entry of Levels.
func fits(entry, dir string) bool {
	if parent, ok := strings.CutSuffix(entry, "/..."); ok {
		return dir == parent || strings.HasPrefix(dir, parent+"/")
	}
	if parent, ok := strings.CutSuffix(entry, "/*"); ok {
		return path.Dir(dir) == parent
	}
	return entry == dir
}

// fitsAny reports whether one of the entries fits dir.
func fitsAny(entries []string, dir string) bool {
	for _, e := range entries {
		if fits(e, dir) {
			return true
		}
	}
	return false
}
