package dashboard

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
)

//go:embed ui/dist
var dist embed.FS

// file is a file as it is sent.
type file struct {
	kind, tag   string
	plain, gzip []byte
}

// load reads and compresses the files once.
var load = sync.OnceValue(func() map[string]*file {
	files := make(map[string]*file)
	err := fs.WalkDir(dist, "ui/dist", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := dist.ReadFile(p)
		if err != nil {
			return err
		}
		files[strings.TrimPrefix(p, "ui/dist/")] = newFile(mime.TypeByExtension(path.Ext(p)), data)
		return nil
	})
	if err != nil {
		panic(err) // they are part of the program
	}
	return files
})

func newFile(kind string, data []byte) *file {
	sum := sha256.Sum256(data)
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		panic(err) // a buffer takes everything
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return &file{kind: kind, tag: `"` + hex.EncodeToString(sum[:16]) + `"`, plain: data, gzip: b.Bytes()}
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("ETag", f.tag)
	h.Set("Vary", "Accept-Encoding")
	if strings.Contains(r.Header.Get("If-None-Match"), f.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	data := f.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		data = f.gzip
		h.Set("Content-Encoding", "gzip")
	}
	if r.Method == http.MethodHead {
		return
	}
	_, _ = w.Write(data) // the client has gone if it fails
}

// page returns the document of all pages.
func page(o Options, base string) *file {
	mode := ""
	if o.ReadOnly {
		mode = "readonly"
	}
	text := strings.NewReplacer("{{base}}", html.EscapeString(base), "{{mode}}", mode).Replace(string(load()["index.html"].plain))
	return newFile("text/html; charset=utf-8", []byte(text))
}
