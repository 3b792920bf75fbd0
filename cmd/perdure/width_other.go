//go:build !linux && !darwin

package main

import "os"

// widthOf returns how many columns a terminal has, 0 if that is not known.
func widthOf(*os.File) int { return 0 }
