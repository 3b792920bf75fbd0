package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// copying tells how far a backup or a restore is, for people, a few times a second.
type copying struct {
	out         *output
	doing       string // such as "written"
	size, n     int64  // bytes in all (0 = not known), and so far
	began, told time.Time
}

// toldEvery is how often progress is told.
const toldEvery = 250 * time.Millisecond

func (o *output) copying(doing string, size int64) *copying {
	now := time.Now()
	return &copying{out: o, doing: doing, size: size, began: now, told: now}
}

func (c *copying) add(n int) {
	c.n += int64(n)
	now := time.Now()
	if now.Sub(c.told) < toldEvery {
		return
	}
	c.told = now
	rate := float64(c.n) / now.Sub(c.began).Seconds()
	text := fmt.Sprintf("%s %s, %s/s", c.doing, megabytes(float64(c.n)), megabytes(rate))
	if c.size > 0 && rate > 0 {
		left := time.Duration(float64(c.size-c.n) / rate * float64(time.Second))
		text = fmt.Sprintf("%s, %d %%, %s left", text, 100*c.n/c.size, max(0, left.Round(time.Second)))
	}
	c.out.progress("%s", text)
}

// end clears what was told.
func (c *copying) end() { c.out.progress("") }

func megabytes(n float64) string { return fmt.Sprintf("%.1f MB", n/1e6) }

// writer counts what is written to w.
func (c *copying) writer(w io.Writer) io.Writer { return countingWriter{w, c} }

// reader counts what is read from r.
func (c *copying) reader(r io.Reader) io.Reader { return countingReader{r, c} }

type countingWriter struct {
	io.Writer
	c *copying
}

func (w countingWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.c.add(n)
	return n, err
}

type countingReader struct {
	io.Reader
	c *copying
}

func (r countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.c.add(n)
	return n, err
}

// lengthOf is the size of a file, 0 if it is none or not known.
func lengthOf(f *os.File) int64 {
	if s, err := f.Stat(); err == nil && s.Mode().IsRegular() {
		return s.Size()
	}
	return 0
}
