package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Budgets, in bytes.
const (
	maxScript = 90 << 10 // first view, compressed
	maxStyle  = 15 << 10 // compressed
	maxRaw    = 1 << 20  // all
	maxAll    = 250 << 10
)

// firstView are the scripts that the first page loads.
var firstView = []string{"theme.js", "core.js", "app.js", "live.js"}

// verify compares dist with what would be written, and checks the rules.
func verify(ui string) error {
	files, err := bundle(ui)
	if err != nil {
		return err
	}
	return errors.Join(fresh(ui, files), vendored(ui), forbidden(ui), budgets(files))
}

func fresh(ui string, files map[string][]byte) error {
	dist := filepath.Join(ui, "dist")
	var errs []error
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(dist, name))
		if err != nil || !bytes.Equal(got, want) {
			errs = append(errs, fmt.Errorf("dist/%s is not what the sources make: run go generate ./dashboard", name))
		}
	}
	there, err := os.ReadDir(dist)
	if err != nil {
		return err
	}
	for _, f := range there {
		if _, ok := files[f.Name()]; !ok {
			errs = append(errs, fmt.Errorf("dist/%s is made of nothing: run go generate ./dashboard", f.Name()))
		}
	}
	return errors.Join(errs...)
}

// vendored compares the libraries with MANIFEST, which names each file with its hash,
// and wants a licence in each folder.
func vendored(ui string) error {
	root := filepath.Join(ui, "third_party")
	manifest, err := os.ReadFile(filepath.Join(root, "MANIFEST"))
	if err != nil {
		return err
	}
	want := make(map[string]string)
	for line := range strings.Lines(string(manifest)) {
		if f := strings.Fields(line); len(f) == 2 && !strings.HasPrefix(line, "#") {
			want[f[1]] = f[0]
		}
	}
	var errs []error
	err = filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() || info.Name() == "MANIFEST" {
			return err
		}
		rel, _ := filepath.Rel(root, path)
		rel = filepath.ToSlash(rel)
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if hash := fmt.Sprintf("%x", sha256.Sum256(data)); want[rel] != hash {
			errs = append(errs, fmt.Errorf("third_party/%s has the hash %s, which MANIFEST does not say", rel, hash))
		}
		delete(want, rel)
		return nil
	})
	for name := range want {
		errs = append(errs, fmt.Errorf("third_party/%s is in MANIFEST and not there", name))
	}
	folders, _ := filepath.Glob(filepath.Join(root, "*", "LICENSE"))
	all, _ := os.ReadDir(root)
	if len(folders) != len(all)-1 {
		errs = append(errs, errors.New("a library of third_party has no LICENSE"))
	}
	return errors.Join(append(errs, err)...)
}

// banned is what no source may have.
var banned = []struct {
	what *regexp.Regexp
	why  string
}{
	{regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|dangerouslySetInnerHTML`), "text from users would become HTML"},
	{regexp.MustCompile(`\beval\(|new Function\(`), "the page's policy forbids it"},
	{regexp.MustCompile(`\bstyle=\{?["'` + "`]"), "the page's policy forbids styles as text: use a class, or an object, which goes through the CSSOM"},
	{regexp.MustCompile("[\"'`]https?://(?:[a-z]|\\$)"), "the dashboard loads nothing from elsewhere"},
}

// allowedURLs are texts, not addresses that are loaded.
var allowedURLs = []string{"http://www.w3.org/"}

func forbidden(ui string) error {
	var errs []error
	err := filepath.Walk(filepath.Join(ui, "src"), func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() || !slices.Contains([]string{".ts", ".tsx"}, filepath.Ext(path)) || strings.HasSuffix(path, ".d.ts") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(data), "\n") {
			for _, url := range allowedURLs {
				line = strings.ReplaceAll(line, url, "")
			}
			for _, b := range banned {
				if b.what.MatchString(line) && !strings.HasPrefix(strings.TrimSpace(line), "//") {
					rel, _ := filepath.Rel(ui, path)
					errs = append(errs, fmt.Errorf("%s:%d: %s: %s", rel, i+1, b.what.FindString(line), b.why))
				}
			}
		}
		return nil
	})
	return errors.Join(append(errs, err)...)
}

func budgets(files map[string][]byte) error {
	var errs []error
	raw, all, first := 0, 0, 0
	for name, data := range files {
		z := zipped(data)
		raw, all = raw+len(data), all+z
		if slices.Contains(firstView, name) {
			first += z
		}
		if name == "app.css" && z > maxStyle {
			errs = append(errs, fmt.Errorf("app.css has %d bytes compressed, %d are allowed", z, maxStyle))
		}
	}
	for _, b := range []struct {
		what     string
		got, may int
	}{{"the scripts of the first view, compressed,", first, maxScript}, {"all files", raw, maxRaw}, {"all files, compressed,", all, maxAll}} {
		if b.got > b.may {
			errs = append(errs, fmt.Errorf("%s have %d bytes, %d are allowed", b.what, b.got, b.may))
		}
	}
	fmt.Printf("first view %d bytes compressed, all %d bytes (%d compressed)\n", first, raw, all)
	return errors.Join(errs...)
}

func zipped(data []byte) int {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = w.Write(data)
	_ = w.Close()
	return b.Len()
}
