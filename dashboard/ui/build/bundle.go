package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// lazy are the files that are loaded when they are needed, by the module that is
// imported for them. Those that do not exist are left out.
var lazy = map[string]string{
	"pages/run":          "run.js",
	"pages/runs/acts":    "acts.js",
	"pages/inbox":        "inbox.js",
	"pages/chat":         "chat.js",
	"pages/run/graph":    "graph.js",
	"pages/run/sequence": "sequence.js",
	"pages/charts":       "charts.js",
	"pages/settings":     "settings.js",
}

// apart are modules with a file of their own, which several of the lazy files import: what
// the first view does not need, and would be in each of them.
var apart = map[string]string{
	"lib/markdown":      "markdown.js",
	"pages/run/actions": "actions.js",
	"pages/run/rewind":  "rewind.js",
}

// libraries are what core.js has of third_party.
var libraries = []string{"preact", "preact/hooks", "preact/jsx-runtime", "@preact/signals"}

// bundle makes all files of dist, by name.
func bundle(ui string) (map[string][]byte, error) {
	src := filepath.Join(ui, "src")
	files := make(map[string][]byte)
	core, err := coreModule(src)
	if err != nil {
		return nil, err
	}
	if files["core.js"], err = script(ui, "core.ts", core, nil, api.FormatESModule); err != nil {
		return nil, err
	}
	entries := map[string]string{"app.js": "app", "live.js": "live", "theme.js": "theme"}
	for module, name := range lazy {
		entries[name] = module
	}
	for module, name := range apart {
		entries[name] = module
	}
	for name, module := range entries {
		path := sourceOf(filepath.Join(src, module))
		if path == "" {
			continue
		}
		format, shared := api.FormatESModule, []api.Plugin{sharing(ui)}
		if name == "live.js" || name == "theme.js" {
			format, shared = api.FormatIIFE, nil // they stand alone
		}
		entry := fmt.Sprintf("export * from %q;\n", "./"+module)
		if format == api.FormatIIFE {
			entry = fmt.Sprintf("import %q;\n", "./"+module)
		}
		if files[name], err = script(ui, name+".entry.ts", entry, shared, format); err != nil {
			return nil, err
		}
	}
	if files["app.css"], err = styles(ui); err != nil {
		return nil, err
	}
	if files["index.html"], err = os.ReadFile(filepath.Join(src, "index.html")); err != nil {
		return nil, err
	}
	return files, missing(files)
}

// sourceOf returns the file of a module, "" if there is none.
func sourceOf(module string) string {
	for _, ext := range []string{".tsx", ".ts"} {
		if _, err := os.Stat(module + ext); err == nil {
			return module + ext
		}
	}
	return ""
}

// coreModule is what all parts share: the libraries, src/lib and src/parts.
func coreModule(src string) (string, error) {
	var b strings.Builder
	for _, l := range libraries {
		fmt.Fprintf(&b, "export * from %q;\n", l)
	}
	for _, folder := range []string{"lib", "parts"} {
		var modules []string
		err := filepath.Walk(filepath.Join(src, folder), func(path string, info os.FileInfo, err error) error {
			if err == nil && !info.IsDir() && (strings.HasSuffix(path, ".ts") || strings.HasSuffix(path, ".tsx")) && !strings.HasSuffix(path, ".d.ts") {
				rel, _ := filepath.Rel(src, path)
				module := strings.TrimSuffix(strings.TrimSuffix(filepath.ToSlash(rel), ".tsx"), ".ts")
				if _, own := apart[module]; !own {
					modules = append(modules, module)
				}
			}
			return err
		})
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
		slices.Sort(modules)
		for _, m := range modules {
			fmt.Fprintf(&b, "export * from %q;\n", "./"+m)
		}
	}
	return b.String(), nil
}

// sharing has what core.js holds, and the lazy files, be imported instead of copied.
func sharing(ui string) api.Plugin {
	src := filepath.Join(ui, "src")
	return api.Plugin{Name: "sharing", Setup: func(b api.PluginBuild) {
		b.OnResolve(api.OnResolveOptions{Filter: `.*`}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			if args.Kind == api.ResolveEntryPoint {
				return api.OnResolveResult{}, nil
			}
			if slices.Contains(libraries, args.Path) || args.Path == "@preact/signals-core" {
				return api.OnResolveResult{Path: "./core.js", External: true}, nil
			}
			if !strings.HasPrefix(args.Path, ".") {
				return api.OnResolveResult{}, nil
			}
			rel, err := filepath.Rel(src, filepath.Join(args.ResolveDir, args.Path))
			if err != nil {
				return api.OnResolveResult{}, err
			}
			module := filepath.ToSlash(rel)
			if name, ok := apart[module]; ok {
				if args.Importer == "" || strings.HasSuffix(args.Importer, ".entry.ts") {
					return api.OnResolveResult{}, nil
				}
				return api.OnResolveResult{Path: "./" + name, External: true}, nil
			}
			if strings.HasPrefix(module, "lib/") || strings.HasPrefix(module, "parts/") {
				return api.OnResolveResult{Path: "./core.js", External: true}, nil
			}
			if name, ok := lazy[module]; ok && args.Kind == api.ResolveJSDynamicImport {
				return api.OnResolveResult{Path: "./" + name, External: true}, nil
			}
			return api.OnResolveResult{}, nil
		})
	}}
}

// script bundles an entry.
func script(ui, name, entry string, plugins []api.Plugin, format api.Format) ([]byte, error) {
	result := api.Build(api.BuildOptions{
		Stdin:         &api.StdinOptions{Contents: entry, ResolveDir: filepath.Join(ui, "src"), Sourcefile: name, Loader: api.LoaderTS},
		AbsWorkingDir: ui, Bundle: true, Write: false, Format: format, Target: api.ES2022, Charset: api.CharsetUTF8,
		JSX: api.JSXAutomatic, JSXImportSource: "preact", Tsconfig: filepath.Join(ui, "tsconfig.json"),
		LegalComments: api.LegalCommentsNone, Plugins: plugins, LogLevel: api.LogLevelSilent, TreeShaking: api.TreeShakingTrue,
		Supported: map[string]bool{"dynamic-import": true},
	})
	if err := problem(result.Errors); err != nil {
		return nil, err
	}
	return withoutMaps(result.OutputFiles[0].Contents), nil
}

// styles bundles all style sheets: tokens and base first, then the others by name.
func styles(ui string) ([]byte, error) {
	list, err := filepath.Glob(filepath.Join(ui, "src", "styles", "*.css"))
	if err != nil {
		return nil, err
	}
	slices.Sort(list)
	var b strings.Builder
	for _, first := range []string{"tokens.css", "base.css"} {
		fmt.Fprintf(&b, "@import %q;\n", "./styles/"+first)
	}
	for _, path := range list {
		if name := filepath.Base(path); name != "tokens.css" && name != "base.css" {
			fmt.Fprintf(&b, "@import %q;\n", "./styles/"+name)
		}
	}
	result := api.Build(api.BuildOptions{
		Stdin:         &api.StdinOptions{Contents: b.String(), ResolveDir: filepath.Join(ui, "src"), Sourcefile: "app.css", Loader: api.LoaderCSS},
		AbsWorkingDir: ui, Bundle: true, Write: false, Charset: api.CharsetUTF8, LogLevel: api.LogLevelSilent,
	})
	if err := problem(result.Errors); err != nil {
		return nil, err
	}
	return result.OutputFiles[0].Contents, nil
}

func problem(messages []api.Message) error {
	if len(messages) == 0 {
		return nil
	}
	return errors.New(strings.Join(api.FormatMessages(messages, api.FormatMessagesOptions{Kind: api.ErrorMessage}), ""))
}

var mapComment = regexp.MustCompile(`(?m)^//# sourceMappingURL=.*\n?`)

func withoutMaps(b []byte) []byte { return mapComment.ReplaceAll(b, nil) }

var (
	importOf = regexp.MustCompile(`(?s)import\s*\{([^}]*)\}\s*from\s*"\./core\.js"`)
	exportOf = regexp.MustCompile(`(?s)export\s*\{([^}]*)\};?`)
)

// missing reports names that a file imports from core.js and that this does not have:
// two modules of it that export the same name have neither.
func missing(files map[string][]byte) error {
	has := make(map[string]bool)
	for _, m := range exportOf.FindAllSubmatch(files["core.js"], -1) {
		for _, name := range bytes.Split(m[1], []byte(",")) {
			f := strings.Fields(string(name))
			if len(f) > 0 {
				has[f[len(f)-1]] = true
			}
		}
	}
	var errs []error
	for file, data := range files {
		for _, m := range importOf.FindAllSubmatch(data, -1) {
			for _, name := range bytes.Split(m[1], []byte(",")) {
				if f := strings.Fields(string(name)); len(f) > 0 && !has[f[0]] {
					errs = append(errs, fmt.Errorf("%s imports %s, which core.js lacks: is it exported by two modules of lib and parts?", file, f[0]))
				}
			}
		}
	}
	return errors.Join(errs...)
}
