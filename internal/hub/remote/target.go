package remote

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/perdure/perdure"
)

// Target is the address of a hub elsewhere, with what it takes to be let in.
type Target struct {
	Addr    string // host:port
	TLS     bool
	TaskHub string
	// Token is sent as a bearer token; "" = none. It is never part of the text form.
	Token string
	// Plaintext lets the token travel without TLS to others than this machine.
	Plaintext bool
	// Azure gets tokens of Entra ID instead; nil = none.
	Azure *Azure
}

// defaultTaskHub is the hub of calls that name none.
const defaultTaskHub = "default"

// Is reports whether a text is meant as the address of a hub elsewhere: a URL of
// http or https, or a connection string of the Durable Task Scheduler.
func Is(text string) bool {
	lower := strings.ToLower(strings.TrimSpace(text))
	return strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://") ||
		strings.HasPrefix(lower, "endpoint=") || strings.Contains(lower, ";endpoint=")
}

// Parse reads the address of a hub: http(s)://host:port, with the hub's name as
// query taskhub, or a connection string of the Durable Task Scheduler:
// Endpoint=...;TaskHub=...;Authentication=.... The error names the part that is wrong.
func Parse(text string) (Target, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(strings.ToLower(text), "http://") || strings.HasPrefix(strings.ToLower(text), "https://") {
		return parseURL(text)
	}
	return parseConnectionString(text)
}

func invalid(format string, args ...any) error {
	return &perdure.Error{Code: perdure.InvalidArgument, Op: "parse the hub's address", Message: fmt.Sprintf(format, args...)}
}

func parseURL(text string) (Target, error) {
	t, u, err := parseEndpoint("the URL", text)
	if err != nil {
		return Target{}, err
	}
	t.TaskHub = defaultTaskHub
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return Target{}, invalid("its query %q is malformed", u.RawQuery)
	}
	for key, values := range query {
		switch {
		case len(values) != 1:
			return Target{}, invalid("query %q is given more than once", key)
		case key == "taskhub":
			if t.TaskHub = values[0]; t.TaskHub == "" {
				return Target{}, invalid("query \"taskhub\" is empty: name a hub, or leave it out for %q", defaultTaskHub)
			}
		case key == "plaintext":
			if t.Plaintext, err = strconv.ParseBool(values[0]); err != nil {
				return Target{}, invalid("query \"plaintext\" is %q: it is true or false", values[0])
			}
		default:
			return Target{}, invalid("query %q is not known: there are taskhub and plaintext", key)
		}
	}
	return t, nil
}

// parseEndpoint reads the URL of a server; what names it in errors.
func parseEndpoint(what, text string) (Target, *url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return Target{}, nil, invalid("%s is malformed", what) // the cause would show what is in it
	case u.Scheme != "http" && u.Scheme != "https":
		return Target{}, nil, invalid("%s has the scheme %q: it is http or https", what, u.Scheme)
	case u.User != nil:
		return Target{}, nil, invalid("%s has a user: a token is given apart, by PERDURE_TOKEN or the configuration", what)
	case u.Hostname() == "":
		return Target{}, nil, invalid("%s has no host", what)
	case u.Path != "" && u.Path != "/":
		return Target{}, nil, invalid("%s has the path %q: a hub is at the root of its server", what, u.Path)
	case u.Fragment != "":
		return Target{}, nil, invalid("%s has a fragment", what)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return Target{Addr: net.JoinHostPort(u.Hostname(), port), TLS: u.Scheme == "https"}, u, nil
}

// Keys of connection strings, as errors show them.
const (
	keyEndpoint       = "Endpoint"
	keyTaskHub        = "TaskHub"
	keyAuthentication = "Authentication"
	keyClientID       = "ClientID"
	keyTenantID       = "TenantId"
	keyTenants        = "AdditionallyAllowedTenants"
	keyTokenFile      = "TokenFilePath"
)

func parseConnectionString(text string) (Target, error) {
	values, err := parsePairs(text)
	if err != nil {
		return Target{}, err
	}
	for _, key := range []string{keyEndpoint, keyTaskHub, keyAuthentication} {
		if values[key] == "" {
			return Target{}, invalid("the connection string has no %s: it reads %s=...;%s=...;%s=...", key, keyEndpoint, keyTaskHub, keyAuthentication)
		}
	}
	endpoint := values[keyEndpoint]
	if !strings.Contains(endpoint, "://") {
		endpoint = "https://" + endpoint
	}
	t, u, err := parseEndpoint(keyEndpoint, endpoint)
	if err != nil {
		return Target{}, err
	}
	if u.RawQuery != "" {
		return Target{}, invalid("%s has a query", keyEndpoint)
	}
	t.TaskHub = values[keyTaskHub]
	if t.Azure, err = parseAzure(values); err != nil {
		return Target{}, err
	}
	return t, nil
}

// parsePairs reads key=value;key=value. Keys are known, in any case, and given once.
func parsePairs(text string) (map[string]string, error) {
	known := []string{keyEndpoint, keyTaskHub, keyAuthentication, keyClientID, keyTenantID, keyTenants, keyTokenFile}
	values := map[string]string{}
	for pair := range strings.SplitSeq(text, ";") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		key, value, ok := strings.Cut(pair, "=")
		if !ok {
			return nil, invalid("a part of the connection string is no key=value (its parts stand between semicolons)")
		}
		i := slices.IndexFunc(known, func(k string) bool { return strings.EqualFold(k, strings.TrimSpace(key)) })
		if i < 0 {
			return nil, invalid("key %q of the connection string is not known: there are %s", strings.TrimSpace(key), strings.Join(known, ", "))
		}
		if _, twice := values[known[i]]; twice {
			return nil, invalid("key %s of the connection string is given more than once", known[i])
		}
		values[known[i]] = strings.TrimSpace(value)
	}
	return values, nil
}

// String is the address without secrets.
func (t Target) String() string {
	scheme := "http"
	if t.TLS {
		scheme = "https"
	}
	s := scheme + "://" + t.Addr
	if t.TaskHub != defaultTaskHub {
		s += "?taskhub=" + url.QueryEscape(t.TaskHub)
	}
	return s
}

// GoString hides the token.
func (t Target) GoString() string { return t.String() }

// check reports what cannot be dialled.
func (t Target) check() error {
	switch {
	case t.Addr == "" || t.TaskHub == "":
		return invalid("it has no host or no hub's name")
	case t.Token != "" && t.Azure != nil:
		return invalid("both a token and %s are given", keyAuthentication)
	case t.Azure != nil && !t.TLS:
		return invalid("%s is plain http: tokens of Azure travel with TLS only; use https, or %s=None", keyEndpoint, keyAuthentication)
	case t.Token != "" && !t.TLS && !t.Plaintext && !t.loopback():
		return invalid("the token would travel to %s readable for everybody: use https, or add ?plaintext=true if the network is trusted", t.Addr)
	}
	return nil
}

func (t Target) loopback() bool {
	host, _, err := net.SplitHostPort(t.Addr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
