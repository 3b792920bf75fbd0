package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/access"
)

// cookieName is the cookie in which a browser keeps its token. No script can read it, and
// no page of another site has it sent.
const cookieName = "perdure"

// cookieTime is how long a browser keeps its token, unless the token ends first.
const cookieTime = 7 * 24 * time.Hour

// loginBody is the body of POST /login.
type loginBody struct {
	Token string `json:"token"`
}

type doorKey struct{}

// login trades a token for a cookie, and says who its bearer is.
func (a *API) login(w http.ResponseWriter, r *http.Request) (*reply, error) {
	if _, err := query(r); err != nil {
		return nil, err
	}
	var body loginBody
	if err := a.decode(w, r, &body); err != nil {
		return nil, err
	}
	d, _ := r.Context().Value(doorKey{}).(Door)
	if d.Check == nil { // whoever gets here may do everything
		return &reply{body: viewCaller(access.Everything())}, nil
	}
	if body.Token == "" {
		return nil, invalid("token is missing", `send {"token": "..."}; perdure token new makes one`)
	}
	grant, err := d.Check(body.Token)
	if err != nil {
		return nil, err
	}
	http.SetCookie(w, cookie(r, body.Token, int(cookieTime.Seconds())))
	return &reply{body: viewCaller(grant)}, nil
}

// logout has the browser forget its token.
func (a *API) logout(w http.ResponseWriter, r *http.Request) (*reply, error) {
	if _, err := query(r); err != nil {
		return nil, err
	}
	http.SetCookie(w, cookie(r, "", -1))
	return &reply{body: acknowledged{OK: true}}, nil
}

func cookie(r *http.Request, value string, age int) *http.Cookie {
	return &http.Cookie{Name: cookieName, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: r.TLS != nil, SameSite: http.SameSiteStrictMode}
}

// isLogin reports whether a path is of those that need no right: who comes there shows
// a token in the body, or has one forgotten.
func isLogin(path string) bool { return path == "/api/v1/login" || path == "/api/v1/logout" }

// tokenOf returns the token of a request: that of its header, else that of its cookie;
// "" = it has none.
func tokenOf(r *http.Request) (string, error) {
	token, err := access.BearerOf(r.Header.Get("Authorization"))
	if token != "" || err != nil {
		return token, err
	}
	if c, err := r.Cookie(cookieName); err == nil {
		return c.Value, nil
	}
	return "", nil
}

func viewCaller(g *access.Grant) caller {
	return caller{Name: g.Name, Role: g.Role.Name, Writes: g.Role.Rights&access.Write != 0}
}

// principal is the name of who asks, for the record; "" = nobody.
func principal(ctx context.Context) string {
	if g := access.From(ctx); g != nil {
		return g.Name
	}
	return ""
}

// errReadOnly refuses what would change something on a server that only shows.
func errReadOnly() error {
	return &problem{Status: http.StatusForbidden, Code: perdure.PermissionDenied.String(), Title: "Read-only server",
		Detail: "this server is read-only: nothing can be changed here", Hint: "ask a server of the hub that was not started with read-only"}
}
