package httpapi

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"time"

	"github.com/perdure/perdure"
)

// header that browsers must send with requests that change something: no
// foreign page can set it without a preflight, which is never answered.
const customHeader = "X-Perdure"

// defaultPolicy forbids everything; handlers of pages set their own.
const defaultPolicy = "default-src 'none'; frame-ancestors 'none'"

// guard is what every request passes first: panics end their request only, the
// Host must be ours, foreign pages change nothing, and slow clients are cut.
func (a *API) guard(next http.Handler) http.Handler {
	origin := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paced := &pacedWriter{ResponseWriter: w, limit: a.WriteTime}
		defer a.recovered(paced, r)
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", defaultPolicy)
		h.Set("Cache-Control", "no-store")
		if !a.hostAllowed(r.Host) {
			a.fail(paced, r, &problem{Status: http.StatusMisdirectedRequest, Code: perdure.PermissionDenied.String(),
				Detail: "this server does not answer to the host name " + shown(r.Host),
				Hint:   "use 127.0.0.1 or localhost, or add the name to the allowed hosts"})
			return
		}
		if err := foreign(origin, r); err != nil {
			a.fail(paced, r, err)
			return
		}
		if (strings.HasPrefix(r.URL.Path, "/api/") || strings.HasPrefix(r.URL.Path, a.Prefix+"/")) && oddPath(r.URL.EscapedPath()) {
			a.fail(paced, r, invalid("the path has an empty segment, or one that is . or ..",
				"percent-encode ids: %2E for a dot, %2F for a slash; an id is never empty"))
			return
		}
		if r.Body != nil && r.Body != http.NoBody {
			// The server lifts the deadline when the body has been read.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(a.BodyTime)) // as in pace
		}
		next.ServeHTTP(paced, r)
	})
}

// recovered ends a request whose handler panicked.
func (a *API) recovered(w *pacedWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(http.ErrAbortHandler) // asks the server to cut the connection
	}
	a.Logger.Error("handler panicked", "method", r.Method, "path", r.URL.EscapedPath(), "panic", v, "stack", string(debug.Stack()))
	if w.started {
		panic(http.ErrAbortHandler) // what was sent is not whole; never let it look so
	}
	answer := answers(perdure.Internal)
	a.fail(w, r, &problem{Status: answer.status, Code: perdure.Internal.String(), Detail: "internal error", Hint: answer.hint})
}

// hostAllowed reports whether the Host header names this server.
func (a *API) hostAllowed(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if name == "localhost" {
		return true
	}
	if ip, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil && (ip.IsLoopback() || a.AnyIP) {
		return true
	}
	for _, h := range a.Hosts {
		if h == "*" || strings.EqualFold(strings.Trim(h, "[]"), strings.Trim(name, "[]")) && name != "" {
			return true
		}
	}
	return false
}

// foreign returns a problem for a request by which a page changes something
// that is not served from here, or that does not show that it is ours.
func foreign(origin *http.CrossOriginProtection, r *http.Request) error {
	refused := &problem{Status: http.StatusForbidden, Code: perdure.PermissionDenied.String()}
	if err := origin.Check(r); err != nil {
		refused.Detail = "a page of another origin may not change anything here"
		return refused
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return nil
	}
	browser := r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != ""
	if browser && r.Header.Get(customHeader) != "1" {
		refused.Detail = "a browser must send the header " + customHeader + ": 1 with requests that change something"
		return refused
	}
	return nil
}

// oddPath reports whether a path has segments that a router would rewrite.
func oddPath(escaped string) bool {
	for segment := range strings.SplitSeq(strings.Trim(escaped, "/"), "/") {
		if segment == "" || segment == "." || segment == ".." {
			return true
		}
	}
	return strings.HasPrefix(escaped, "//") || strings.HasSuffix(escaped, "//")
}

// pacedWriter gives the client limited time for each write. It notes whether
// the answer has begun.
type pacedWriter struct {
	http.ResponseWriter
	limit   time.Duration
	started bool
}

// Unwrap is for http.ResponseController.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *pacedWriter) WriteHeader(status int) {
	w.pace()
	w.started = w.started || status >= 200
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *pacedWriter) Write(p []byte) (int, error) {
	w.pace()
	w.started = true
	return w.ResponseWriter.Write(p)
}

func (w *pacedWriter) pace() {
	// Writers without deadlines, such as recorders, need none.
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(w.limit))
}
