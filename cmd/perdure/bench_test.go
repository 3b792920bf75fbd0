package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestBench(t *testing.T) {
	got := perdureCLI(t.Context(), "", screen{}, "bench", "sequence", "--store", "memory", "--count", "3", "--quiet")
	var line struct {
		Workload string
		Count    int
	}
	if got.Code != exitDone || json.Unmarshal([]byte(got.Out), &line) != nil || line.Workload != "sequence" || line.Count != 3 {
		t.Errorf("bench sequence = %+v, want a line of JSON with count 3", got)
	}
	if n := strings.Count(got.Out, "\n"); n != 1 {
		t.Errorf("bench sequence printed %d lines, want 1", n)
	}
}

func TestBenchHelp(t *testing.T) {
	got := perdureCLI(t.Context(), "", screen{}, "bench", "parked", "--help")
	for _, want := range []string{"per_second", "idle_cpu_percent", "--count int", "--data"} {
		if !strings.Contains(got.Out, want) {
			t.Errorf("bench parked --help lacks %q", want)
		}
	}
}

func TestBenchFlagErrors(t *testing.T) {
	for args, want := range map[string]string{
		"walk":                           "no command perdure bench walk",
		"sequence now":                   "perdure bench sequence takes no arguments",
		"sequence --count x":             "not a whole number",
		"sequence --count 0":             "--count is 0",
		"sequence --in-flight -3":        "in flight is -3",
		"sequence --count 1 --for 1s":    "not both",
		"sequence --store tape":          `no store "tape"`,
		"event --steps 3":                "unknown flag: --steps",
		"parked --for 1s":                "unknown flag: --for",
		"session --in-flight 3":          "unknown flag: --in-flight",
		"fanout --store memory --data .": "no data folder",
	} {
		got := perdureCLI(t.Context(), "", screen{}, append([]string{"bench"}, strings.Fields(args)...)...)
		if got.Code != exitUsage || !strings.Contains(got.Err, want) || got.Out != "" {
			t.Errorf("bench %s = %+v, want code %d and %q", args, got, exitUsage, want)
		}
	}
}
