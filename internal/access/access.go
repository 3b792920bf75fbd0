// Package access says who may do what: roles, what they permit, and the file of
// tokens that gives roles on hubs.
package access

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/perdure/perdure"
)

// Right is something that can be permitted. A route demands one of a set of them.
type Right uint8

// What there is to be permitted.
const (
	Read  Right = 1 << iota // what instances are and were
	Work                    // take work items and give their outcomes
	Write                   // start, raise to, decide, end, purge
	Node                    // what nodes that share a store tell each other; no role has it

	// Known is had by everyone who has a role.
	Known = Read | Work | Write
	// Anyone is had without a token too.
	Anyone Right = 1 << 7
)

// Role is a set of rights with a name.
type Role struct {
	Name   string
	Rights Right
}

// Roles are all roles. They are those of the Durable Task Scheduler.
func Roles() []Role {
	return []Role{
		{"reader", Read},
		{"worker", Work},
		{"contributor", Read | Work | Write},
	}
}

// RoleOf returns the role with a name.
func RoleOf(name string) (Role, error) {
	roles := Roles()
	names := make([]string, len(roles))
	for i, r := range roles {
		if r.Name == name {
			return r, nil
		}
		names[i] = r.Name
	}
	return Role{}, fmt.Errorf("no role %q; there are %s", name, strings.Join(names, ", "))
}

// AnyHub is the name that stands for all hubs in a grant.
const AnyHub = "*"

// Grant is what the bearer of a token may do.
type Grant struct {
	Name string // of the token, for logs; not secret
	Role Role
	Hub  string // AnyHub = all hubs
	// Ended is closed when the token is revoked or has expired. nil = it is not.
	Ended <-chan struct{}
}

// Local is the name of those who need no token.
const Local = "local"

// Everything is the grant of those who need no token.
func Everything() *Grant {
	return &Grant{Name: Local, Role: Role{"contributor", Read | Work | Write}, Hub: AnyHub}
}

// OfNode is the grant of another node of the hubs, see Cluster.
func OfNode() *Grant {
	return &Grant{Name: "node", Role: Role{"node", Known | Node}, Hub: AnyHub}
}

// Allow returns nil if the grant permits one of the rights on a hub. g may be nil:
// nothing was shown. A hub that the grant does not cover is NotFound, as one that
// does not exist is; so nobody learns of others' hubs.
func (g *Grant) Allow(hub string, need Right) error {
	switch {
	case need&Anyone != 0:
		return nil
	case need == Node && (g == nil || g.Role.Rights&Node == 0):
		return &perdure.Error{Code: perdure.PermissionDenied, Message: "this is for nodes that share the hub's database"}
	case g == nil:
		return &perdure.Error{Code: perdure.Unauthenticated, Message: "a token is needed: authorization: Bearer TOKEN"}
	case g.Hub != AnyHub && g.Hub != hub:
		return NoHub(hub)
	case g.Role.Rights&need == 0:
		return &perdure.Error{Code: perdure.PermissionDenied, Message: fmt.Sprintf("the token has the role %s; this needs %s", g.Role.Name, need)}
	}
	return nil
}

// NoHub is the error for a hub that does not exist, or is none of the caller's.
func NoHub(name string) error {
	return &perdure.Error{Code: perdure.NotFound, Message: fmt.Sprintf("there is no task hub %q", name)}
}

// String names the roles that have one of the rights.
func (r Right) String() string {
	var names []string
	for _, role := range slices.Backward(Roles()) {
		if role.Rights&r != 0 {
			names = append(names, role.Name)
		}
	}
	if r&Anyone != 0 {
		return "nothing"
	}
	return strings.Join(names, " or ")
}

type grantKey struct{}

// With returns a context that carries who calls.
func With(ctx context.Context, g *Grant) context.Context {
	return context.WithValue(ctx, grantKey{}, g)
}

// From returns who calls; nil = nothing was shown.
func From(ctx context.Context) *Grant {
	g, _ := ctx.Value(grantKey{}).(*Grant)
	return g
}

// BearerOf returns the token in an authorization header; "" = there is none. An
// error says that the header is of another form.
func BearerOf(header string) (string, error) {
	if header == "" {
		return "", nil
	}
	scheme, token, _ := strings.Cut(header, " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "bearer") || token == "" {
		return "", &perdure.Error{Code: perdure.Unauthenticated, Message: "authorization is not of the form: Bearer TOKEN"}
	}
	return token, nil
}
