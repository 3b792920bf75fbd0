//go:build linux || darwin

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// sizeOf returns how many columns and lines a terminal has, 0 if that is not known.
func sizeOf(f *os.File) (width, height int) {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0, 0
	}
	return int(size.Col), int(size.Row)
}
