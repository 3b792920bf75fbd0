package wire_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// busy is a hub that begins nothing.
type busy struct{ *scripted }

func (h busy) Open(context.Context, string) (hub.Hub, error) { return h, nil }

// Start implements hub.Commands.
func (busy) Start(context.Context, *hub.Start) (hub.Started, error) {
	return hub.Started{}, &perdure.Error{Code: perdure.ResourceExhausted, Op: "start", Message: "too much", RetryAfter: 1250 * time.Millisecond}
}

// TestT24_Pushback has a hub that refuses a start for a while: callers of gRPC are told
// for how long by a trailer, ours by the error too.
func TestT24_Pushback(t *testing.T) {
	s := serveHubs(t, wire.Config{Hubs: busy{newScripted()}})
	var trailer metadata.MD
	err := s.conn.Invoke(s.with(), "/TaskHubSidecarService/StartInstance",
		&wirepb.CreateInstanceRequest{InstanceId: "i", Name: "n"}, &wirepb.CreateInstanceResponse{}, grpc.Trailer(&trailer))
	wantStatus(t, "StartInstance(while there is too much)", err, codes.ResourceExhausted)
	if got := trailer.Get("grpc-retry-pushback-ms"); len(got) != 1 || got[0] != "1250" {
		t.Errorf("its trailer = %v, want grpc-retry-pushback-ms 1250", trailer)
	}
	err = s.conn.Invoke(s.with("perdure-level", "1"), "/"+wire.OwnService+"/Start", &wirepb.HubStart{InstanceId: "i", Name: "n"}, &wirepb.HubStarted{})
	var e *perdure.Error
	if !errors.As(codec.DecodeError(err, "start", "i"), &e) || e.Code != perdure.ResourceExhausted || e.RetryAfter != 1250*time.Millisecond {
		t.Errorf("Start() over our own service = %v, want the error with RetryAfter 1.25 s", err)
	}
}
