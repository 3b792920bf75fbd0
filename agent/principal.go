package agent

import (
	"fmt"
	"slices"
)

// Principal is who sends a message. It is not checked: the caller of
// Service.Send vouches for it. The calls of tools in the turn are made in its name,
// whoever approves them, see CallOf.
type Principal struct {
	Name  string   `json:"name,omitempty"` // "" = not known
	Roles []string `json:"roles,omitempty"`
}

// Limits of a principal.
const (
	maxPrincipal = 256 // bytes of the name, and of a role
	maxRoles     = 64
)

func (p *Principal) check() error {
	if len(p.Name) > maxPrincipal || len(p.Roles) > maxRoles ||
		slices.ContainsFunc(p.Roles, func(r string) bool { return len(r) > maxPrincipal }) {
		return refused("a principal has a name of at most %d bytes and at most %d roles of as many", maxPrincipal, maxRoles)
	}
	return nil
}

func (p Principal) equal(q Principal) bool {
	return p.Name == q.Name && slices.Equal(p.Roles, q.Roles)
}

// String implements fmt.Stringer.
func (p Principal) String() string {
	if len(p.Roles) == 0 {
		return p.Name
	}
	return fmt.Sprintf("%s %v", p.Name, p.Roles)
}
