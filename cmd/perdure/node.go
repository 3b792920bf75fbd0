package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/perdure/perdure/internal/access"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/postgres"
)

// reachTime bounds how long it takes to reach a node, or to find that out.
const reachTime = 3 * time.Second

// connectNode returns one of the nodes that share a database, as which it is spoken
// with: who can read the database may do everything in its hubs.
func connectNode(c *cobra.Command, t *terminal, database string) (*server, error) {
	nodes, cluster, err := nodesOf(c.Context(), database)
	if err != nil {
		return nil, fail(exitUnreachable, "", "%s", oneLine(err))
	}
	var missed []error
	for _, n := range nodes {
		by := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, DialTLSContext: toNode(n, cluster)}}
		if err := answers(c.Context(), by); err != nil {
			missed = append(missed, err)
			continue
		}
		return newClient(c, t, nodeURL, "node "+n.Name+" at "+n.Advertise, by)
	}
	if len(missed) > 0 {
		return nil, fail(exitUnreachable, "give the URL of one with --hub", "no node of this database can be reached from here: %s", oneLine(errors.Join(missed...)))
	}
	return nil, fail(exitUnreachable, "start one with perdure server --hub postgres://...", "no node runs on this database")
}

// nodeURL is how a node is named in requests; toNode finds it.
const nodeURL = "https://localhost"

// nodesOf returns the nodes of a database that can be called, and what they know each
// other by.
func nodesOf(ctx context.Context, database string) ([]store.Node, *access.Cluster, error) {
	db, err := postgres.Open(ctx, database, postgres.Options{NoMigrate: true, Connections: 1})
	if err != nil {
		return nil, nil, err
	}
	all, err := db.Nodes(ctx)
	var secret []byte
	if err == nil {
		secret, err = db.Secret(ctx)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return nil, nil, err
	}
	var nodes []store.Node
	for _, n := range all {
		if n.Advertise != "" {
			nodes = append(nodes, n)
		}
	}
	cluster, err := access.NewCluster(secret)
	return nodes, cluster, err
}

// toNode connects with a node, whatever address is asked for.
func toNode(n store.Node, cluster *access.Cluster) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, reachTime)
		defer cancel()
		d := tls.Dialer{Config: cluster.Dial(n.Name)}
		return d.DialContext(ctx, network, strings.TrimPrefix(n.Advertise, "https://"))
	}
}

// answers asks a node whether it is there.
func answers(ctx context.Context, by *http.Client) error {
	ctx, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, nodeURL+"/healthz", nil)
	if err != nil {
		return err
	}
	response, err := by.Do(r)
	if err != nil {
		return err
	}
	return response.Body.Close()
}
