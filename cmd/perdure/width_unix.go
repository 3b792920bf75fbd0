//go:build linux || darwin

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// sizeOf returns how many columns and lines a terminal has, 0 if that is not known, and
// whether the file is a terminal at all.
func sizeOf(f *os.File) (width, height int, ok bool) {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0, false
	}
	return int(size.Col), int(size.Row), true
}
