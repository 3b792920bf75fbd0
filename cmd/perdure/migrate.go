package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/perdure/perdure/store/postgres"
)

func migrateCommand(t *terminal) *cobra.Command {
	var address string
	var show bool
	c := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the schema of a PostgreSQL database up to date, or print what that takes",
		Long: `Brings the schema of a database up to the one that this version needs. Nodes do so
by themselves when they start, unless they are told --migrate=false. Nodes of the version
before go on with the new schema.

With --print the statements are written to standard output, all of them from the first
version on, and no database is touched.`,
		Example: "  perdure migrate --hub postgres://owner@db/perdure\n  perdure migrate --print | psql postgres://owner@db/perdure",
		Args:    exactly(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			if show {
				_, err := fmt.Fprint(t.out, postgres.Migrations())
				return err
			}
			if address == "" {
				address = t.getenv("PERDURE_HUB")
			}
			if scheme, _, _ := strings.Cut(address, "://"); scheme != "postgres" && scheme != "postgresql" {
				return fail(exitUsage, "give it with --hub postgres://user@host/database", "no PostgreSQL database is named")
			}
			if err := postgres.Migrate(c.Context(), address); err != nil {
				return fail(exitError, "", "%s", oneLine(err))
			}
			return nil
		},
	}
	c.Flags().StringVar(&address, "hub", "", "the database, postgres://user@host/database (env PERDURE_HUB)")
	c.Flags().BoolVar(&show, "print", false, "print the statements instead")
	return c
}
