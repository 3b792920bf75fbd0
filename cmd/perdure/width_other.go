//go:build !linux && !darwin

package main

import "os"

// sizeOf returns how many columns and lines a terminal has, 0 as that is not known, and
// whether the file is a terminal: a device that shows characters.
func sizeOf(f *os.File) (width, height int, ok bool) {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return 0, 0, false
	}
	null, err := os.Stat(os.DevNull)
	return 0, 0, err != nil || !os.SameFile(info, null)
}
