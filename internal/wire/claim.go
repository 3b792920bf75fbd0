package wire

import (
	"context"
	"encoding/json"
	"net"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/perdure/perdure/internal/access"
	"github.com/perdure/perdure/internal/hub"
)

// keyClaim is the key of metadata with the hub.Actor, as JSON, on whose behalf one of
// ours calls.
const keyClaim = "perdure-actor-bin"

// Limits of what is kept of a caller, in bytes.
const (
	maxSDK   = 120
	maxClaim = 8 << 10
)

// WithClaim returns a context for calls that somebody else has asked for. The server
// writes it down as what the caller says.
func WithClaim(ctx context.Context, a *hub.Actor) context.Context {
	claim, err := json.Marshal(a)
	if err != nil || len(claim) > maxClaim {
		return ctx // it is not worth to fail for
	}
	return metadata.AppendToOutgoingContext(ctx, keyClaim, string(claim))
}

// acting returns the context of a call with who is to stand in the audit for what it
// changes: the bearer of the token, and on whose behalf they call if they say so.
func acting(ctx context.Context) context.Context {
	grant := access.From(ctx)
	claim := claimed(ctx)
	if grant == nil && claim == nil {
		return ctx
	}
	who := &hub.Actor{Client: clip(sdk(ctx), maxSDK), From: addressOf(ctx)}
	if grant != nil {
		who.By = grant.Name
	}
	if claim != nil {
		who.For, who.Action, who.Reason = claim.By, claim.Action, claim.Reason
		if claim.For != "" {
			who.For = claim.For
		}
	}
	return hub.WithActor(ctx, who)
}

// claimed returns on whose behalf one of ours calls; nil = on its own.
func claimed(ctx context.Context) *hub.Actor {
	text := header(ctx, keyClaim)
	if text == "" || len(text) > maxClaim {
		return nil
	}
	a := &hub.Actor{}
	if json.Unmarshal([]byte(text), a) != nil {
		return nil
	}
	return a
}

// clip shortens a text to n bytes; it stays UTF-8.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n]
}

// addressOf returns the IP address of the caller, "" if it is not known.
func addressOf(ctx context.Context) string {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ""
	}
	address := p.Addr.String()
	if ip, _, err := net.SplitHostPort(address); err == nil {
		return ip
	}
	return address
}
