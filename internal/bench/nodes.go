package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/perdure/perdure/host"
	"github.com/perdure/perdure/store"
)

// shardTime is how long nodes may take to part the shards among them.
const shardTime = 30 * time.Second

// withNodes works on a hub in a database, of which this process is a node and
// Config.Nodes - 1 other processes are. The hub is made for it and deleted afterwards.
func (b *bench) withNodes(ctx context.Context, work func(context.Context) error) error {
	registry, err := b.registry()
	if err != nil {
		return err
	}
	app, err := host.New(host.Config{Hub: b.cfg.Hub, Addr: "127.0.0.1:0", Registry: registry, Logger: b.cfg.Logger})
	if err != nil {
		return err
	}
	appCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- app.Run(appCtx) }()
	select {
	case <-app.Ready():
	case err := <-ended:
		stop()
		return err
	}
	err = b.onNodes(ctx, app, work)
	stop()
	return errors.Join(err, <-ended)
}

// onNodes makes the hub, starts the other nodes and works.
func (b *bench) onNodes(ctx context.Context, app *host.App, work func(context.Context) error) (err error) {
	if err := hubCall(ctx, app.URL(), http.MethodPost, "", `{"name":"`+hubName+`","recreate":true}`); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, hubCall(context.WithoutCancel(ctx), app.URL(), http.MethodDelete, "/"+hubName, ""))
	}()
	urls := []string{app.URL()}
	for range b.cfg.Nodes - 1 {
		url, end, err := b.startNode(ctx)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, end()) }()
		urls = append(urls, url)
	}
	b.client = app.ClientOf(hubName)
	b.idle = func(ctx context.Context) (time.Time, error) { return time.Now(), parted(ctx, urls) }
	return work(ctx)
}

// startNode starts another node in a process of its own. The function returned ends it.
func (b *bench) startNode(ctx context.Context) (url string, end func() error, err error) {
	args := append(b.cfg.NodeCommand[1:len(b.cfg.NodeCommand):len(b.cfg.NodeCommand)], fmt.Sprint(b.cfg.Payload))
	cmd := exec.CommandContext(context.WithoutCancel(ctx), b.cfg.NodeCommand[0], args...)
	cmd.Env = append(os.Environ(), HubVariable+"="+b.cfg.Hub) // where others do not see the password
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, fmt.Errorf("start a node: %w", err)
	}
	end = func() error { return errors.Join(stdin.Close(), cmd.Wait()) }
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("a node has not come up: %w", err), end())
	}
	return strings.TrimSpace(line), end, nil
}

// HubVariable is the environment variable with the database of a Node.
const HubVariable = "PERDURE_HUB"

// Node is a node with the code of the workloads, until input ends. It writes its URL
// to output once it serves. It is what Config.NodeCommand runs.
func Node(ctx context.Context, database string, payload int, input io.Reader, output io.Writer) error {
	b := &bench{cfg: Config{Payload: payload}}
	registry, err := b.registry()
	if err != nil {
		return err
	}
	app, err := host.New(host.Config{Hub: database, Addr: "127.0.0.1:0", Registry: registry})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer cancel()
		select {
		case <-app.Ready():
			fmt.Fprintln(output, app.URL())
		case <-ctx.Done():
			return
		}
		_, _ = bufio.NewReader(input).WriteTo(io.Discard) // how it ends does not matter
	}()
	defer cancel()
	return app.Run(ctx)
}

// parted waits until nodes hold all shards, each its part, of as many hubs as there are.
func parted(ctx context.Context, urls []string) error {
	for end := time.Now().Add(shardTime); ; {
		shards, least := 0, math.MaxInt
		for _, url := range urls {
			n, err := shardsOf(ctx, url)
			if err != nil {
				return err
			}
			shards, least = shards+n, min(least, n)
		}
		if shards > 0 && shards%store.Shards == 0 && least >= shards/len(urls)*3/4 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("%d nodes hold %d shards, one of them %d, after %v", len(urls), shards, least, shardTime)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// shardsOf asks a node how many shards it holds.
func shardsOf(ctx context.Context, url string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/healthz", nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	var health struct{ Node struct{ Shards int } }
	err = json.NewDecoder(response.Body).Decode(&health)
	return health.Node.Shards, err
}

// hubCall makes or deletes the hub that is measured.
func hubCall(ctx context.Context, url, method, path, body string) error {
	r, err := http.NewRequestWithContext(ctx, method, url+"/api/v1/hubs"+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(response.Body) // what there is of it
		return fmt.Errorf("%s the hub %s: %s %s", method, hubName, response.Status, answer)
	}
	return nil
}
