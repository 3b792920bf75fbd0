package main

import (
	"regexp"
	"strings"
)

var (
	apiParameter = regexp.MustCompile(`^query parameter ([a-z_]+)`)
	apiSessions  = regexp.MustCompile(`GET /api/v1/agents/([^/ ]+)/sessions lists`)
)

// ownCause says what the API has said is wrong in the words of the command line.
func ownCause(text string) string {
	return apiParameter.ReplaceAllStringFunc(text, func(found string) string {
		return "--" + strings.ReplaceAll(apiParameter.FindStringSubmatch(found)[1], "_", "-")
	})
}

// ownNext says what the API advises, about an instance, as what to type here.
func ownNext(hint, id string) string {
	look := "look at how it is first"
	if strings.HasPrefix(id, "@") {
		look = "perdure entity get " + quoted(id) + " shows how it is"
	} else if id != "" {
		look = "perdure run get " + quoted(id) + " shows how it is"
	}
	hint = apiSessions.ReplaceAllString(hint, "perdure agent sessions $1 shows")
	return strings.NewReplacer(
		"GET /api/v1/runs lists", "perdure run list shows",
		"GET /api/v1/entities lists", "perdure entity list shows",
		"GET /api/v1/hubs lists", "perdure hub list shows",
		"POST /api/v1/hubs makes one", "perdure hub create makes one",
		"GET /api/v1/workers lists", "perdure worker list shows",
		"GET /api/v1/decisions?state=pending lists", "perdure inbox list shows",
		"GET /api/v1/info describes", "perdure api GET info describes",
		`or set "id_policy"`, "or say with --id-policy what to do",
		"read the current state first", look,
		"try again with the same Idempotency-Key", "look whether it was done, and try again",
		"send it as Authorization: Bearer TOKEN", "give it with --token-file FILE or in PERDURE_TOKEN",
		"give the member heads of an earlier answer", "give a file that perdure audit verify --save has written",
	).Replace(hint)
}
