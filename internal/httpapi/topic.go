package httpapi

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
	"github.com/perdure/perdure/internal/hub"
)

// topic is what a stream tells about.
type topic struct {
	text   string // as the client wrote it
	kind   string // list, runs, run, counts, inbox, sessions, turn, entities, workers or logs
	id     string // of a run or turn
	prefix string // of the ids of entities
	offset int64  // in a turn
	match  func(*hub.Instance) bool
	whole  bool // it matches every run
}

// fed reports whether the topic is told from the change feed.
func (t *topic) fed() bool {
	switch t.kind {
	case "list", "runs", "run", "counts", "sessions", "entities":
		return true
	}
	return false
}

// topics parses the topics of a stream.
func (a *API) topics(texts []string) ([]topic, error) {
	if len(texts) == 0 || len(texts) > maxTopics {
		return nil, invalid(fmt.Sprintf("a stream has 1 to %d topics", maxTopics), "add ?topics=runs: or topics=run:<id>; repeat topics for more")
	}
	var topics []topic
	for _, text := range texts {
		t, err := a.topic(text)
		if err != nil {
			return nil, err
		}
		topics = append(topics, t)
	}
	return topics, nil
}

func (a *API) topic(text string) (topic, error) {
	kind, rest, _ := strings.Cut(text, ":")
	t := topic{text: text, kind: kind}
	switch kind {
	case "inbox", "sessions", "turn":
		if a.Agents == nil {
			return t, &perdure.Error{Code: perdure.Unimplemented, Op: "stream", Message: "this server serves no agents"}
		}
	}
	switch kind {
	case "counts", "inbox", "workers":
	case "run", "logs":
		t.id = rest
		return t, checkRunID(rest)
	case "list", "runs":
		selection, err := client.Select(rest, a.Now())
		if err != nil {
			return t, err
		}
		t.match, t.whole = selection.Matches, selection.Parsed == ""
	case "entities":
		if t.prefix = "@"; rest != "" {
			t.prefix += strings.ToLower(rest) + "@"
		}
	case "sessions":
		info, err := a.agentNamed(rest)
		if err != nil {
			return t, err
		}
		t.id, t.prefix = info.Name, "@dafx-"+strings.ToLower(info.Name)+"@"
	case "turn":
		id, offset, found := strings.Cut(rest, "@")
		t.id = id
		if found {
			n, err := strconv.ParseInt(offset, 10, 64)
			if err != nil || n < 0 {
				return t, invalid("the offset of the topic "+shown(text)+" is not a number from 0", "turn:<id>@<offset>")
			}
			t.offset = n
		}
		return t, checkRunID(id)
	default:
		return t, invalid("no topic "+shown(kind),
			"known are list:<filter>, runs:<filter>, run:<id>, counts, inbox, sessions:<agent>, turn:<id>@<offset>, entities, entities:<name>, workers, logs:<id>")
	}
	return t, nil
}
