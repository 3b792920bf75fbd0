package host

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/perdure/perdure/internal/wire/wirepb"
)

// TestNoMessageNamesAHub: the hub of a call comes from its metadata, for which its
// token was checked. What stands in a message could name another.
func TestNoMessageNamesAHub(t *testing.T) {
	seen := 0
	for _, file := range []protoreflect.FileDescriptor{
		new(wirepb.WorkItem).ProtoReflect().Descriptor().ParentFile(),
		new(wirepb.HubStart).ProtoReflect().Descriptor().ParentFile(),
	} {
		for i := range file.Messages().Len() {
			m := file.Messages().Get(i)
			for j := range m.Fields().Len() {
				f := m.Fields().Get(j)
				seen++
				name := strings.ToLower(strings.ReplaceAll(string(f.Name()), "_", ""))
				for _, word := range []string{"hub", "tenant", "namespace"} {
					// taskHubNames is in the protocol, and ignored.
					if strings.Contains(name, word) && f.FullName() != "perdure.durabletask.v1.InstanceQuery.task_hub_names" {
						t.Errorf("%s may name a hub", f.FullName())
					}
				}
			}
		}
	}
	if seen < 300 {
		t.Errorf("%d fields were looked at, want those of all messages", seen)
	}
}
