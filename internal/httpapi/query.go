package httpapi

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// values are the query parameters of a request.
type values struct{ url.Values }

// query returns the parameters of a request, which must be among the allowed
// ones, each given once unless its name in allowed ends in "*".
func query(r *http.Request, allowed ...string) (values, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return values{}, invalid("the query is not well-formed: "+shown(err.Error()), "percent-encode values")
	}
	var names []string
	for _, name := range allowed {
		names = append(names, strings.TrimSuffix(name, "*"))
	}
	for name, v := range q {
		i := slices.Index(names, name)
		if i < 0 {
			hint := "known are " + strings.Join(names, ", ")
			if len(names) == 0 {
				hint = "this route takes none"
			} else if near := nearest(name, names); near != "" {
				hint = "did you mean " + near + "?"
			}
			return values{}, invalid("unknown query parameter "+shown(name), hint)
		}
		if len(v) > 1 && allowed[i] == name {
			return values{}, invalid("query parameter "+shown(name)+" is given twice", "")
		}
	}
	return values{q}, nil
}

// number returns a parameter from 0 to most, absent if it is not given.
func (q values) number(name string, absent, most int) (int, error) {
	if !q.Has(name) {
		return absent, nil
	}
	n, err := strconv.Atoi(q.Get(name))
	if err != nil || n < 0 || n > most {
		return 0, invalid(fmt.Sprintf("query parameter %s is %s, must be a number from 0 to %d", name, shown(q.Get(name)), most), "")
	}
	return n, nil
}

// flag returns a parameter that is 1 or true, 0 or false.
func (q values) flag(name string) (bool, error) {
	switch q.Get(name) {
	case "", "0", "false":
		return false, nil
	case "1", "true":
		return true, nil
	}
	return false, invalid("query parameter "+name+" is "+shown(q.Get(name))+", must be 1 or 0", "")
}

// duration returns a parameter such as 30s, at most most.
func (q values) duration(name string, most time.Duration) (time.Duration, error) {
	if !q.Has(name) {
		return 0, nil
	}
	d, err := time.ParseDuration(q.Get(name))
	if err != nil || d < 0 {
		return 0, invalid("query parameter "+name+" is "+shown(q.Get(name))+", must be a duration such as 30s", "")
	}
	return min(d, most), nil
}

// pageQuery returns the parameters of a list: others, and which page of it is asked for.
func pageQuery(r *http.Request, others ...string) (q values, limit int, after []byte, err error) {
	if q, err = query(r, append(others, "cursor", "limit")...); err != nil {
		return q, 0, nil, err
	}
	if limit, err = pageSize(q); err != nil {
		return q, 0, nil, err
	}
	after, err = cursor(q)
	return q, limit, after, err
}

// pageSize returns the parameter limit.
func pageSize(q values) (int, error) {
	n, err := q.number("limit", 100, 1000)
	return max(n, 1), err
}

// cursor returns the parameter cursor.
func cursor(q values) ([]byte, error) {
	text := q.Get("cursor")
	if text == "" {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(raw) > 4096 {
		return nil, invalid("the cursor is not one of ours", "take it from next of the page before")
	}
	return raw, nil
}

// cursorText is the reverse of cursor.
func cursorText(after []byte) string { return base64.RawURLEncoding.EncodeToString(after) }
