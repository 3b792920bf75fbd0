package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// reference is docs/cli.md: what the help texts say, on one page.
func reference(root *cobra.Command) string {
	var b strings.Builder
	b.WriteString("# The commands of perdure\n\nMade from the help texts by `go test ./cmd/perdure -run TestReference -update`.\n\n")
	b.WriteString("Data goes to standard output, everything else to standard error: as a table on a terminal, as one JSON document a line in a pipe. ")
	b.WriteString("The beginning of an id, of four characters or more, stands for the whole where it is unique. ")
	b.WriteString("Flags of all commands:\n\n" + flagTable(root.PersistentFlags()))
	b.WriteString("\nExit codes: 0 done; 1 error; 2 usage; 3 not found; 4 conflict, or a decision that was answered already; 5 the awaited run failed; " +
		"6 it was terminated or canceled; 7 time ran out; 8 server unreachable; 9 not allowed; 130 interrupted.\n")
	for _, c := range root.Commands() {
		if !c.Hidden && c.Name() != "help" {
			describeCommand(&b, c, "## ")
		}
	}
	return b.String()
}

func describeCommand(b *strings.Builder, c *cobra.Command, level string) {
	text := c.Long
	if text == "" {
		text = c.Short + "."
	}
	fmt.Fprintf(b, "\n%s%s\n\n", level, c.CommandPath())
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(b, "%s\n", text)
	} else {
		fmt.Fprintf(b, "```\n%s\n```\n\n%s\n\n```sh\n%s\n```\n", c.UseLine(), fenced(text), unindent(c.Example))
	}
	if flags := flagTable(c.LocalFlags()); flags != "" {
		b.WriteString("\n" + flags)
	}
	for _, child := range c.Commands() {
		describeCommand(b, child, "### ")
	}
}

// fenced puts the lines of a help text that are indented into a block of their own.
func fenced(text string) string {
	var b strings.Builder
	inside := false
	for line := range strings.SplitSeq(text, "\n") {
		if code := strings.HasPrefix(line, "  "); code != inside && line != "" {
			inside = code
			b.WriteString("```\n")
		}
		b.WriteString(line + "\n")
	}
	if inside {
		b.WriteString("```\n")
	}
	return strings.TrimSpace(b.String())
}

func unindent(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}

// flagTable shows flags, "" if there are none.
func flagTable(flags interface{ FlagUsages() string }) string {
	text := strings.TrimRight(flags.FlagUsages(), "\n")
	if text == "" {
		return ""
	}
	return "```\n" + text + "\n```\n"
}

// TestReference checks that docs/cli.md is what the commands say of themselves.
func TestReference(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "cli.md")
	got := reference(newRoot(&terminal{getenv: func(string) string { return "" }}, testHosts))
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("docs/cli.md is stale; go test ./cmd/perdure -run TestReference -update writes it (-want +got)\n%s", diff)
	}
}
