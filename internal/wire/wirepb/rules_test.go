package wirepb_test

import (
	"regexp"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/perdure/perdure/internal/wire/wirepb"
)

// envelope are words for what a call is about as a whole.
var envelope = regexp.MustCompile(`(?i)hub|tenant|name_?space|lineage|timeline`)

// TestHubsComeFromTheCall wants no message to name a hub: which one is meant is told
// by the call's metadata alone, which was authorised.
func TestHubsComeFromTheCall(t *testing.T) {
	messages := 0
	for _, file := range []protoreflect.FileDescriptor{wirepb.File_perdure_durabletask_proto, wirepb.File_perdure_hub_proto, wirepb.File_perdure_node_proto} {
		messages += walk(file.Messages(), func(f protoreflect.FieldDescriptor) {
			if f.FullName() == "perdure.durabletask.v1.InstanceQuery.task_hub_names" {
				return // of the protocol; it is ignored
			}
			if envelope.MatchString(string(f.Name())) {
				t.Errorf("field %s names a hub", f.FullName())
			}
		})
	}
	if messages < 100 {
		t.Errorf("%d messages were looked at, want all", messages)
	}
}

func walk(list protoreflect.MessageDescriptors, look func(protoreflect.FieldDescriptor)) (messages int) {
	for i := range list.Len() {
		m := list.Get(i)
		for j := range m.Fields().Len() {
			look(m.Fields().Get(j))
		}
		messages += 1 + walk(m.Messages(), look)
	}
	return messages
}

// TestTheRuleOfHubsFails is the control: the field that is exempt would be found.
func TestTheRuleOfHubsFails(t *testing.T) {
	found := 0
	walk(wirepb.File_perdure_durabletask_proto.Messages(), func(f protoreflect.FieldDescriptor) {
		if envelope.MatchString(string(f.Name())) {
			found++
		}
	})
	if found != 1 {
		t.Errorf("%d fields name hubs, want taskHubNames", found)
	}
}
