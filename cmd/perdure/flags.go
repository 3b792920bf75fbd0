package main

import (
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

// invalidFlag is the text of the parser's error for a value that does not fit.
var invalidFlag = regexp.MustCompile(`(?s)^invalid argument "(.*)" for "(?:-., )?--([a-z-]+)" flag: `)

// flagError says in our words what is wrong with a flag.
func flagError(c *cobra.Command, err error) error {
	next := c.CommandPath() + " --help shows the flags"
	if c == c.Root() && err.Error() == "unknown flag: --version" {
		next = "perdure version shows it"
	}
	m := invalidFlag.FindStringSubmatch(err.Error())
	if m == nil {
		return fail(exitUsage, next, "%s", err)
	}
	kinds := map[string]string{"int": "a whole number", "intSlice": "whole numbers, with commas", "float64": "a number", "bool": "true or false",
		"duration": "a time such as 30s, 5m or 12h", "stringToString": "NAME=VALUE, with commas"}
	if flag := c.Flag(m[2]); flag != nil && kinds[flag.Value.Type()] != "" {
		return fail(exitUsage, next, "--%s is %q, not %s", m[2], m[1], kinds[flag.Value.Type()])
	}
	return fail(exitUsage, next, "%s", err)
}

// refuseNegative refuses times below zero, which would mean something else than they say.
func refuseNegative(c *cobra.Command) (err error) {
	for _, name := range []string{"timeout", "wait", "silence", "for", "pace", "per"} {
		flag := c.Flags().Lookup(name)
		if flag != nil && flag.Value.Type() == "duration" && strings.HasPrefix(flag.Value.String(), "-") {
			return fail(exitUsage, c.CommandPath()+" --help shows the flags", "--%s is %s: no time is negative", name, flag.Value)
		}
	}
	return nil
}
