package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/host"
)

func backupCommand(t *terminal) *cobra.Command {
	var data string
	var force bool
	c := &cobra.Command{
		Use:     "backup FILE",
		Short:   "Write a copy of task hubs to a file (- = standard output), of a server at work or of a data folder",
		Example: "  perdure backup monday.backup --hub http://127.0.0.1:8080",
		Args:    exactly(1, "a file"),
		RunE: func(c *cobra.Command, args []string) error {
			out, err := newOutput(c, t)
			if err != nil {
				return err
			}
			taskHub, err := c.Flags().GetString("task-hub")
			if err != nil {
				return err
			}
			where, offline, err := backupSource(c, t, data)
			if err != nil {
				return err
			}
			if args[0] == "-" && t.outTTY {
				return fail(exitUsage, "name a file, or lead it elsewhere: perdure backup - > monday.backup", "a backup is nothing for a terminal")
			}
			var done []host.Copied
			going := out.copying("written", 0)
			err = t.writeFile(args[0], force, func(w io.Writer) error {
				defer going.end()
				w = going.writer(w)
				if offline {
					done, err = host.Backup(c.Context(), where, w, named(taskHub)...)
					return err
				}
				s, err := connect(c, t)
				if err != nil {
					return err
				}
				done, err = s.backup(c.Context(), w, taskHub)
				return err
			})
			if err != nil {
				return copyFailure(c.Context(), err)
			}
			if args[0] == "-" { // standard output holds the copy
				return nil
			}
			return out.copied(done)
		},
	}
	addServerFlag(c)
	c.Flags().StringVar(&data, "data", "", "a data folder that no server has open, or postgres://..., in place of a server")
	c.Flags().BoolVar(&force, "force", false, "replace the file if there is one")
	return c
}

// backupSource says where the hubs are, and whether that is read without a server.
func backupSource(c *cobra.Command, t *terminal, data string) (where string, offline bool, err error) {
	if data != "" {
		return data, true, nil
	}
	hub, err := c.Flags().GetString("hub")
	if err != nil {
		return "", false, err
	}
	if hub == "" {
		hub = t.getenv("PERDURE_HUB")
	}
	scheme, _, found := strings.Cut(hub, "://")
	return hub, hub != "" && (!found || scheme == "postgres" || scheme == "postgresql"), nil
}

// named is a list of the name, if there is one.
func named(name string) []string {
	if name == "" {
		return nil
	}
	return []string{name}
}

// backup writes a copy of a hub of the server, or of all that may be read. What arrives
// is read on the way, so that a copy which is not whole is an error.
func (s *server) backup(ctx context.Context, w io.Writer, hub string) (done []host.Copied, err error) {
	hubs := named(hub)
	if hub == "" {
		var list struct{ Items []hubDocument }
		if err := s.get(ctx, "/api/v1/hubs", &list); err != nil {
			return nil, err
		}
		for _, h := range list.Items {
			hubs = append(hubs, h.Name)
		}
	}
	for _, name := range hubs {
		copied, err := s.backupOf(ctx, w, name)
		if err != nil {
			return nil, err
		}
		done = append(done, copied...)
	}
	return done, nil
}

func (s *server) backupOf(ctx context.Context, w io.Writer, hub string) ([]host.Copied, error) {
	s.header.Set("taskhub", hub)
	response, err := s.send(ctx, http.MethodGet, "/api/v1/backup", nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= 400 {
		problem, err := io.ReadAll(response.Body)
		if err != nil {
			return nil, s.unreachable(ctx, err)
		}
		return nil, refused(response.StatusCode, problem)
	}
	return host.Verify(io.TeeReader(response.Body, w))
}

// writeFile has a file written, which is there whole and durable, or not at all.
func (t *terminal) writeFile(name string, force bool, fill func(io.Writer) error) error {
	if name == "-" {
		return fill(t.out)
	}
	if _, err := os.Stat(name); err == nil && !force {
		return fail(exitUsage, "choose another name, or replace it with --force", "there is a file %s", name)
	}
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*.partial") // only its owner may read it
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return fail(exitError, "", "%s cannot be written: %s", name, err)
	}
	err = fill(f)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	d, err := os.Open(filepath.Dir(name))
	if err != nil {
		return nil // the file is there
	}
	defer func() { _ = d.Close() }()
	_ = d.Sync() // not every file system can
	return nil
}

func restoreCommand(t *terminal) *cobra.Command {
	var data, hub, taskHub string
	var check, moved bool
	c := &cobra.Command{
		Use:     "restore FILE",
		Short:   "Make task hubs of a backup (- = standard input), in a data folder that has none of these names",
		Example: "  perdure restore monday.backup --data ./restored",
		Args:    exactly(1, "a backup"),
		RunE: func(c *cobra.Command, args []string) error {
			out, err := newOutput(c, t)
			if err != nil {
				return err
			}
			where := data + hub
			switch {
			case check && where != "":
				return fail(exitUsage, "", "--check only reads the backup; it restores nothing")
			case !check && (where == "" || data != "" && hub != ""):
				return fail(exitUsage, "such as --data ./restored, or --check to look what is in the backup", "say where to restore to: --data DIR")
			}
			in := t.in
			going := out.copying("read", 0)
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return fail(exitNotFound, "give a file that perdure backup has written, or - for standard input", "%s", err)
				}
				defer func() { _ = f.Close() }()
				in, going.size = f, lengthOf(f)
			}
			in = going.reader(in)
			var done []host.Copied
			if check {
				done, err = host.Verify(in)
			} else {
				restore := host.Restore
				if moved {
					restore = host.Move
				}
				done, err = restore(c.Context(), where, in, named(taskHub)...)
			}
			going.end()
			if shown := out.copied(done); err == nil {
				err = shown
			}
			if err == nil && !check && !moved {
				out.say("agents ask before they make calls that may have been made since the backup: perdure inbox list")
			}
			return copyFailure(c.Context(), err)
		},
	}
	flags := c.Flags()
	flags.StringVar(&data, "data", "", "the data folder to restore to; it is made if there is none")
	flags.StringVar(&hub, "hub", "", "where to restore to: a data folder, or postgres://...")
	flags.StringVar(&taskHub, "task-hub", "", "restore this task hub only")
	flags.BoolVar(&moved, "moved", false, "nobody has worked on the hubs since the backup: their agents go on without asking")
	flags.BoolVar(&check, "check", false, "read the backup through and say what is in it")
	return c
}

// copied shows what was copied.
func (o *output) copied(done []host.Copied) error {
	if o.format != "table" {
		for _, c := range done {
			if err := o.document(c); err != nil {
				return err
			}
		}
		return nil
	}
	rows := make([][]string, len(done))
	for i, c := range done {
		rows[i] = []string{c.Hub, fmt.Sprint(c.Instances), fmt.Sprint(c.Items), o.when(&c.Taken)}
	}
	if len(rows) > 0 {
		o.table([]string{"HUB", "INSTANCES", "ITEMS", "TAKEN"}, rows)
	}
	return nil
}

// copyFailure is the failure of a backup or a restore.
func copyFailure(ctx context.Context, err error) error {
	var f *failure
	var e *perdure.Error
	switch {
	case err == nil || errors.As(err, &f):
		return err
	case interrupted(ctx):
		return fail(exitInterrupted, "", "interrupted")
	case !errors.As(err, &e):
		return fail(exitError, "", "%s", oneLine(err))
	}
	code := exitError
	switch e.Code {
	case perdure.NotFound:
		code = exitNotFound
	case perdure.AlreadyExists, perdure.FailedPrecondition:
		code = exitConflict
	case perdure.InvalidArgument:
		code = exitUsage
	}
	return fail(code, "", "%s", oneLine(err))
}
