package httpapi

import (
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxID is the longest id, name of an event and key, in characters.
const maxID = 100

// runID returns the orchestration id in the path.
func runID(r *http.Request) (string, error) {
	id := r.PathValue("id")
	return id, checkRunID(id)
}

// checkRunID returns a problem unless id can be that of an orchestration.
func checkRunID(id string) error {
	if strings.HasPrefix(id, "@") {
		return invalid("run id "+shown(id)+" begins with @, which is for entities", "entities are at /api/v1/entities/{name}/{key}")
	}
	return checkName("run id", id)
}

// checkName returns a problem unless s is 1 to 100 characters without control
// characters.
func checkName(what, s string) error {
	switch {
	case s == "":
		return invalid("the "+what+" is empty", "")
	case !utf8.ValidString(s):
		return invalid("the "+what+" is not UTF-8", "")
	case utf8.RuneCountInString(s) > maxID:
		return invalid("the "+what+" is longer than 100 characters", "")
	case strings.ContainsFunc(s, unicode.IsControl):
		return invalid("the "+what+" has control characters", "")
	}
	return nil
}

// entityID returns the id of the entity in the path.
func entityID(r *http.Request) (string, error) {
	name, key := r.PathValue("name"), r.PathValue("key")
	if err := checkName("entity name", name); err != nil {
		return "", err
	}
	if strings.Contains(name, "@") {
		return "", invalid("entity name "+shown(name)+" contains @", "")
	}
	if err := checkName("entity key", key); err != nil {
		return "", err
	}
	// Names of entities are not case-sensitive; the protocol keeps them lower.
	return "@" + strings.ToLower(name) + "@" + key, nil
}

// requestID returns the id that makes a repeat of the request harmless.
func requestID(r *http.Request) (string, error) {
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) == 0 {
		return "", nil
	}
	if len(keys) > 1 || keys[0] == "" || len(keys[0]) > 255 || strings.ContainsFunc(keys[0], func(c rune) bool { return c < ' ' || c > '~' }) {
		return "", invalid("Idempotency-Key must be one value of 1 to 255 printable ASCII characters", "")
	}
	return keys[0], nil
}
