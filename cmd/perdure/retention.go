package main

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/perdure/perdure/host"
)

// retentionOf reads how long runs are kept, by the names of statuses. "all" stands for
// those that are not named.
func retentionOf(flags map[string]string) (r host.Retention, err error) {
	fields := map[string]*time.Duration{"completed": &r.Completed, "failed": &r.Failed, "terminated": &r.Terminated, "canceled": &r.Canceled}
	for _, status := range slices.Sorted(maps.Keys(flags)) { // "all" is the first
		d, err := parseDays(flags[status])
		switch field := fields[status]; {
		case err != nil:
			return r, fail(exitUsage, "give a time such as 30d or 12h", "--retention says %s=%s", status, flags[status])
		case field != nil:
			*field = d
		case status == "all":
			for _, field := range fields {
				*field = d
			}
		default:
			return r, fail(exitUsage, "statuses are "+strings.Join(slices.Sorted(maps.Keys(fields)), ", ")+" and all", "--retention names %q, a status in which no run ends", status)
		}
	}
	return r, nil
}
