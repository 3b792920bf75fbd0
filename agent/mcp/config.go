package mcp

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
)

// Defaults of Server.
const (
	DefaultTimeout   = time.Minute
	DefaultMaxResult = 1 << 20
	DefaultRecheck   = time.Minute
)

// Server says where an MCP server is and what may be used of it. Name, and either
// Command or URL, are required.
type Server struct {
	// Name names the server in errors.
	Name string

	// Command is a program with its arguments, to be run as a child process
	// that speaks over stdin and stdout.
	Command []string
	// Env are variables for the child process, "KEY=value". Of this process's
	// own it gets only those that programs cannot do without, such as PATH and
	// HOME, and so no keys.
	Env []string
	// Stderr gets what the child process writes there; nil = nobody.
	Stderr io.Writer

	// URL is a server that speaks streamable HTTP. Redirects are not followed.
	URL string
	// Header is sent with each request to URL.
	Header http.Header

	// Allow are the names of the tools that may be used; the rest is as if the
	// server did not have it. Empty = all.
	Allow []string
	// Prefix is put before the names of tools, to tell those of two servers
	// apart.
	Prefix string
	// Effects are the classes of the effects of tools, by the server's names for
	// them. Of a tool that is not named here the server's hints are believed:
	// read-only is Pure, idempotent is Idempotent, all else Irreversible.
	Effects map[string]agent.Effect
	// IgnoreHints is for servers whose hints are not to be believed: a tool that
	// Effects does not name is Irreversible.
	IgnoreHints bool
	// Pins hold the server to tools with these hashes, see Client.Pins. nil =
	// to those that it has when it is connected with first.
	Pins map[string]string
	// AllowChanges lets the server change its tools.
	AllowChanges bool

	// Timeout bounds a call, connecting included. 0 = DefaultTimeout.
	Timeout time.Duration
	// MaxResult bounds the JSON of a result, in bytes. 0 = DefaultMaxResult.
	MaxResult int
	// Recheck is how old the last look at the tools may be when one is called;
	// then they are looked at again. 0 = DefaultRecheck, negative = before each
	// call.
	Recheck time.Duration
}

var prefixForm = regexp.MustCompile(`^[A-Za-z0-9_-]*$`)

// complete copies what callers could change, fills in defaults and returns all
// that is wrong.
func (s *Server) complete() error {
	var wrong []error
	if s.Name == "" {
		wrong = append(wrong, errors.New("the Name is missing"))
	}
	switch {
	case (len(s.Command) > 0) == (s.URL != ""):
		wrong = append(wrong, errors.New("one of Command and URL is needed, and not both"))
	case s.URL != "":
		u, err := url.Parse(s.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			wrong = append(wrong, errors.New("the URL is not one of http or https, with a host and without a password"))
		}
	case s.Command[0] == "":
		wrong = append(wrong, errors.New("the Command names no program"))
	}
	if len(s.Command) > 0 && len(s.Header) > 0 {
		wrong = append(wrong, errors.New("a Header is for a URL"))
	}
	if s.URL != "" && (len(s.Env) > 0 || s.Stderr != nil) {
		wrong = append(wrong, errors.New("the fields Env and Stderr are for a Command"))
	}
	if !prefixForm.MatchString(s.Prefix) {
		wrong = append(wrong, fmt.Errorf("the Prefix %q has other characters than letters, digits, _ and -", s.Prefix))
	}
	for name, e := range s.Effects {
		if e > agent.Pure {
			wrong = append(wrong, fmt.Errorf("there is no effect class %d, as %q has", e, name))
		}
	}
	if s.Timeout < 0 || s.MaxResult < 0 {
		wrong = append(wrong, errors.New("the bounds Timeout and MaxResult must not be negative"))
	}
	if err := errors.Join(wrong...); err != nil {
		return &perdure.Error{Code: perdure.InvalidArgument, Op: "connect with MCP server", Instance: s.Name,
			Message: "the configuration is not valid", Cause: err}
	}
	if s.Timeout == 0 {
		s.Timeout = DefaultTimeout
	}
	if s.MaxResult == 0 {
		s.MaxResult = DefaultMaxResult
	}
	if s.Recheck == 0 {
		s.Recheck = DefaultRecheck
	}
	s.Command, s.Env, s.Allow = slices.Clone(s.Command), slices.Clone(s.Env), slices.Clone(s.Allow)
	s.Header, s.Pins, s.Effects = s.Header.Clone(), maps.Clone(s.Pins), maps.Clone(s.Effects)
	if len(s.Allow) > 0 {
		maps.DeleteFunc(s.Pins, func(name, _ string) bool { return !slices.Contains(s.Allow, name) })
	}
	return nil
}

// maxMessage bounds one message of the server: a result in JSON's longest form,
// or a list of tools.
func (s *Server) maxMessage() int64 { return 6*int64(s.MaxResult) + 1<<20 }
