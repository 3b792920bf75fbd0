package host

import "strings"

// isDatabase reports whether a hub string names a database that nodes share.
func isDatabase(hub string) bool {
	scheme, _, found := strings.Cut(strings.ToLower(hub), "://")
	return found && (scheme == "postgres" || scheme == "postgresql")
}
