package process

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// root is this module as seen from a package two folders below it, where tests that use
// this package stand.
const root = "../../"

// Build builds a program of this module, such as "cmd/perdure", into a new folder and
// returns the path. Under the race detector the program runs under it too.
func Build(program string) (string, error) {
	dir, err := os.MkdirTemp("", "perdure-process")
	if err != nil {
		return "", err
	}
	source := root + program
	if err := Note(source); err != nil {
		return "", err
	}
	path := filepath.Join(dir, filepath.Base(program))
	args := []string{"build", "-o", path}
	env := append(os.Environ(), "CGO_ENABLED=0")
	if Raced {
		args, env = append(args, "-race"), append(os.Environ(), "CGO_ENABLED=1")
	}
	cmd := exec.Command("go", append(args, source)...)
	cmd.Env = env
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
}

// Installed reports whether a folder of that name is what .ci/install or a test brings,
// not a part of the sources.
func Installed(name string) bool {
	return slices.Contains([]string{"node_modules", ".venv", "__pycache__", "lib", "artifacts"}, name)
}

// Note opens the files of a folder of this module, for go test forgets a result
// only if a file that the test itself has opened changes.
func Note(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			if err == nil && path != dir && Installed(entry.Name()) {
				return filepath.SkipDir
			}
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		return f.Close()
	})
}
