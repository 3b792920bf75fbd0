package perdure

import (
	"fmt"
	"strings"
)

// EntityID names an entity.
type EntityID struct {
	Name string // in lower case
	Key  string
}

// NewEntityID returns the id of an entity; the name's case does not count.
func NewEntityID(name, key string) EntityID {
	return EntityID{Name: strings.ToLower(name), Key: key}
}

// ParseEntityID is the reverse of String.
func ParseEntityID(s string) (EntityID, error) {
	name, key, ok := strings.Cut(strings.TrimPrefix(s, "@"), "@")
	if !ok || s[0] != '@' || name == "" {
		return EntityID{}, fmt.Errorf("entity id %q is not of the form @name@key", s)
	}
	return NewEntityID(name, key), nil
}

// String returns the instance id of the entity, "@name@key".
func (id EntityID) String() string { return "@" + strings.ToLower(id.Name) + "@" + id.Key }
