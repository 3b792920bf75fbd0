// Package chaos holds the tests that break what lies between hubs and their workers
// and clients: connections cut at every frame, processes killed, completions that
// come late, twice or from elsewhere, and callers that mean no good. It has no
// product code.
package chaos
