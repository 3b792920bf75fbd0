package main

import (
	"strings"
	"testing"
	"time"

	"github.com/perdure/perdure/host"
)

func TestRetentionOf(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		flags map[string]string
		want  host.Retention
		wrong string
	}{
		{nil, host.Retention{}, ""},
		{map[string]string{"completed": "720h", "failed": "365d"}, host.Retention{Completed: 30 * day, Failed: 365 * day}, ""},
		{map[string]string{"all": "30d", "failed": "90d"}, host.Retention{Completed: 30 * day, Failed: 90 * day, Terminated: 30 * day, Canceled: 30 * day}, ""},
		{map[string]string{"running": "1d"}, host.Retention{}, `"running"`},
		{map[string]string{"completed": "soon"}, host.Retention{}, "completed=soon"},
		{map[string]string{"completed": "-1h"}, host.Retention{}, "completed=-1h"},
	} {
		got, err := retentionOf(c.flags)
		if c.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("retentionOf(%v) = %v, want an error with %s", c.flags, err, c.wrong)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("retentionOf(%v) = %+v, %v, want %+v", c.flags, got, err, c.want)
		}
	}
}
