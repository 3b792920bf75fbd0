package shard

import (
	"crypto/rand"
	"testing"
)

// TestW55OperationIDs makes ids of operations that workers of .NET can read.
func TestW55OperationIDs(t *testing.T) {
	ids := newIDs(rand.Reader)
	const given = "0123ABCD-89ab-4def-8123-456789abcdef"
	if got := ids.operationID(given); got != given {
		t.Errorf("operationID(%s) = %s, want it as it is", given, got)
	}
	if a, b := ids.operationID("request 1"), ids.operationID("request 1"); a != b || !isUUID(a) || a == ids.operationID("request 2") {
		t.Errorf("operationID(a request) = %s, then %s, want one UUID for each request", a, b)
	}
	if a, b := ids.operationID(""), ids.operationID(""); a == b || !isUUID(a) {
		t.Errorf("operationID() = %s, then %s, want fresh UUIDs", a, b)
	}
	for _, s := range []string{"", "x", given + "0", "0123ABCD889ab-4def-8123-456789abcdef", "0123ABCG-89ab-4def-8123-456789abcdef"} {
		if isUUID(s) {
			t.Errorf("isUUID(%q) = true", s)
		}
	}
}
