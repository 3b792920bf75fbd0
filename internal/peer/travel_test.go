package peer_test

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/peer"
	"github.com/perdure/perdure/internal/shard"
	"github.com/perdure/perdure/internal/wire/wirepb"
	"github.com/perdure/perdure/store"
	"github.com/perdure/perdure/store/memory"
)

// asked is an Owner that holds everything or nothing, and keeps what it was asked.
type asked struct {
	peer.Owner // of what is not asked for here there is nothing
	all        []store.Node
	holds      bool
	got        chan any
}

func (a *asked) Holder(store.Shard) (store.Node, uint64, bool, bool) {
	return a.all[1], 1, a.holds, true
}
func (a *asked) Members() []store.Node         { return a.all }
func (a *asked) Refresh(context.Context) error { return nil }
func (a *asked) Moved() <-chan struct{}        { return nil }

func (a *asked) Connect(_ context.Context, w *hub.Worker) (hub.Stream, error) {
	a.got <- *w
	return idleStream{}, nil
}

func (a *asked) Abandon(_ context.Context, d hub.Delivery) error {
	a.got <- d
	return nil
}

// Raise tells who asks.
func (a *asked) Raise(ctx context.Context, _ *hub.Raise) error {
	a.got <- *hub.ActorOf(ctx)
	return nil
}

func (a *asked) Demand(context.Context) ([]hub.Load, error) {
	if !a.holds {
		return nil, nil
	}
	l := hub.Load{}
	fill(reflect.ValueOf(&l).Elem())
	return []hub.Load{l}, nil
}

func (a *asked) Standing(_ context.Context, ids []string, most int) ([]hub.Standing, error) {
	if !a.holds {
		return nil, nil
	}
	s := hub.Standing{}
	fill(reflect.ValueOf(&s).Elem())
	if s.InstanceID = ids[0]; most != 7 {
		s.Name = fmt.Sprint("asked for ", most)
	}
	return []hub.Standing{s}, nil
}

// idleStream is a stream without items.
type idleStream struct{}

func (idleStream) Next(ctx context.Context) (*hub.Work, error) {
	<-ctx.Done()
	return nil, &perdure.Error{Code: perdure.Canceled}
}
func (idleStream) Close(bool) {}
func (idleStream) Ration(context.Context, hub.Places) (hub.Places, error) {
	return hub.Places{}, nil
}

// fill sets all fields of a struct to something.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(7, 7).UTC()))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(3)
	default:
		v.SetInt(7)
	}
}

// asBytes has calls travel as bytes.
type asBytes struct{ to *peer.Hub }

func (asBytes) Reach(context.Context) error { return nil }
func (asBytes) Close() error                { return nil }

func (l asBytes) Call(ctx context.Context, c *wirepb.NodeCall, _ bool) (*wirepb.NodeAnswer, error) {
	b, err := proto.Marshal(c)
	if err != nil {
		return nil, err
	}
	in := &wirepb.NodeCall{}
	if err := proto.Unmarshal(b, in); err != nil {
		return nil, err
	}
	return l.to.Answer(ctx, in), nil
}

// TestFieldsTravel fills every field of what is told to other nodes in words of its own,
// and wants it to arrive; package codec has such a test for the rest.
func TestFieldsTravel(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := memory.Open(&memory.Disk{})
	if err != nil {
		t.Fatal(err)
	}
	letters, nodes := memory.Share(s), []store.Node{{Name: "a"}, {Name: "b", Advertise: "http://b"}}
	var hubs []*peer.Hub
	var owners []*asked
	done := make(chan error, 2)
	for i, n := range nodes {
		o := &asked{all: nodes, holds: i == 1, got: make(chan any, 10)}
		h, err := peer.New(peer.Config{Owner: o, Node: n, Letters: letters, Dial: func(store.Node) (peer.Link, error) { return asBytes{hubs[1]}, nil }})
		if err != nil {
			t.Fatal(err)
		}
		hubs, owners = append(hubs, h), append(owners, o)
	}
	running, stop := context.WithCancel(ctx)
	for _, h := range hubs {
		go func() { done <- h.Run(running) }()
	}
	defer func() {
		stop()
		for range hubs {
			<-done
		}
	}()
	w := hub.Worker{}
	fill(reflect.ValueOf(&w).Elem())
	w.Follows = false // outcomes that travel come one by one
	stream, err := hubs[0].Connect(ctx, &w)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close(false)
	if diff := cmp.Diff(any(w), <-owners[1].got); diff != "" {
		t.Errorf("the worker at the other node (-want +got):\n%s", diff)
	}
	d := hub.Delivery{}
	fill(reflect.ValueOf(&d).Elem())
	d.Token = tokenOf(t)
	if err := hubs[0].Abandon(ctx, d); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(any(d), <-owners[1].got); diff != "" {
		t.Errorf("the delivery at the other node (-want +got):\n%s", diff)
	}
	who := hub.Actor{}
	fill(reflect.ValueOf(&who).Elem())
	if err := hubs[0].Raise(hub.WithActor(ctx, &who), &hub.Raise{InstanceID: "text", Name: "go"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(any(who), <-owners[1].got); diff != "" {
		t.Errorf("who asks, at the other node (-want +got):\n%s", diff)
	}
	want := hub.Load{}
	fill(reflect.ValueOf(&want).Elem())
	if got, err := hubs[0].Demand(ctx); err != nil || !cmp.Equal(got, []hub.Load{want}) {
		t.Errorf("Demand() = %+v, %v, want %+v", got, err, want)
	}
	stands := hub.Standing{}
	fill(reflect.ValueOf(&stands).Elem())
	if got, err := hubs[0].Standing(ctx, []string{"text"}, 7); err != nil || !cmp.Equal(got, []hub.Standing{stands}) {
		t.Errorf("Standing(text) = %+v, %v, want %+v", got, err, stands)
	}
}

// tokenOf returns the token of an item, of the instance text.
func tokenOf(t *testing.T) string {
	t.Helper()
	const token = "BHRleHQEdGV4dAEBAQEB"
	if id, ok := shard.InstanceOf(token); !ok || id != "text" {
		t.Fatalf("InstanceOf(%s) = %q, %t, want text", token, id, ok)
	}
	return token
}
