//go:build linux || darwin

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// widthOf returns how many columns a terminal has, 0 if that is not known.
func widthOf(f *os.File) int {
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	return int(size.Col)
}
