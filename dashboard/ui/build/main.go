// Command build makes dashboard/ui/dist of dashboard/ui/src, without Node:
//
//	go run .          writes dist
//	go run . -watch   writes it at each change
//	go run . -check   compares dist with what it would write, and checks what is in it
//
// It is the only place that knows esbuild.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

func main() {
	check := flag.Bool("check", false, "write nothing; fail if dist is not what would be written, or breaks a rule")
	watch := flag.Bool("watch", false, "write at each change of a source")
	flag.Parse()
	_, file, _, _ := runtime.Caller(0)
	ui := filepath.Dir(filepath.Dir(file))
	if err := run(ui, *check, *watch); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ui string, check, watch bool) error {
	if check {
		return verify(ui)
	}
	if err := write(ui); err != nil || !watch {
		return err
	}
	for last := newest(ui); ; {
		time.Sleep(200 * time.Millisecond)
		now := newest(ui)
		if !now.After(last) {
			continue
		}
		last = now
		began := time.Now()
		if err := write(ui); err != nil {
			fmt.Fprintln(os.Stderr, err)
			continue
		}
		fmt.Fprintf(os.Stderr, "built in %d ms\n", time.Since(began).Milliseconds())
	}
}

// newest returns when a source was last changed.
func newest(ui string) (last time.Time) {
	_ = filepath.Walk(filepath.Join(ui, "src"), func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
		return nil
	})
	return last
}

// write writes dist.
func write(ui string) error {
	files, err := bundle(ui)
	if err != nil {
		return err
	}
	dist := filepath.Join(ui, "dist")
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return err
	}
	old, err := os.ReadDir(dist)
	if err != nil {
		return err
	}
	for _, f := range old {
		if _, kept := files[f.Name()]; !kept {
			if err := os.Remove(filepath.Join(dist, f.Name())); err != nil {
				return err
			}
		}
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dist, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
