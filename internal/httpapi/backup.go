package httpapi

import (
	"io"
	"net/http"
)

// getBackup writes a copy of the hub, in the form of package store/backup. An answer
// that is cut short lacks the copy's end.
func (a *API) getBackup(w http.ResponseWriter, r *http.Request) (*reply, error) {
	if _, err := query(r); err != nil {
		return nil, err
	}
	if err := a.taken(r, hubItself); err != nil {
		return nil, err
	}
	ctx, cancel := a.untilStop(r.Context())
	defer cancel()
	to := &begun{Writer: w}
	w.Header().Set("Content-Type", "application/octet-stream")
	err := a.Backup(ctx, to)
	if err != nil && to.yes {
		a.Logger.Warn("backup was cut short", "hub", a.Info.Hub, "cause", err)
		panic(http.ErrAbortHandler) // never let it look whole
	}
	return nil, err
}

// begun notes whether anything was written.
type begun struct {
	io.Writer
	yes bool
}

// Write implements io.Writer.
func (b *begun) Write(p []byte) (int, error) {
	b.yes = true
	return b.Writer.Write(p)
}
