package httpapi

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// linkFields are the fields of runs at which links to elsewhere may be shown, beside
// those of tags, tag.KEY.
var linkFields = []string{"id", "name", "version", "agent", "session", "parent", "root", "worker", "model", "trace", "fingerprint"}

var linkPart = regexp.MustCompile(`\{[^{}]*\}`)

// CheckLinks returns what is wrong with patterns of links, by the fields of runs at which
// they are shown: addresses in which {value} stands for the field's value, and {FIELD} for
// that of another one. Only http and https are links, and to a host that stands in the
// pattern itself: values are what callers have chosen.
func CheckLinks(links map[string]string) error {
	var errs []error
	for _, field := range slices.Sorted(maps.Keys(links)) {
		if err := checkLink(field, links[field]); err != nil {
			errs = append(errs, fmt.Errorf("link of %q: %w", field, err))
		}
	}
	return errors.Join(errs...)
}

func checkLink(field, pattern string) error {
	if !isLinkField(field) {
		return fmt.Errorf("runs have no such field; known are %s and tag.KEY", strings.Join(linkFields, ", "))
	}
	for _, part := range linkPart.FindAllString(pattern, -1) {
		if name := strings.Trim(part, "{}"); name != "value" && !isLinkField(name) {
			return fmt.Errorf("%s stands for no field; known are {value}, {%s} and {tag.KEY}", part, strings.Join(linkFields, "}, {"))
		}
	}
	var hosts []string
	for _, value := range []string{"a", "b"} {
		u, err := url.Parse(linkPart.ReplaceAllString(pattern, value))
		if err != nil {
			return err
		}
		if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			return errors.New("it is no address that begins with https:// or http:// and a host")
		}
		hosts = append(hosts, u.Scheme+"://"+u.Host)
	}
	if hosts[0] != hosts[1] {
		return errors.New("its host depends on values, which callers choose")
	}
	return nil
}

func isLinkField(name string) bool {
	key, tag := strings.CutPrefix(name, "tag.")
	return slices.Contains(linkFields, name) || tag && key != ""
}
