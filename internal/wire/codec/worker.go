package codec

import (
	"slices"
	"strings"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// EncodeWorker writes what a worker of ours says of itself when it connects. Its
// ID travels as metadata.
func EncodeWorker(w *hub.Worker) *wirepb.GetWorkItemsRequest {
	r := &wirepb.GetWorkItemsRequest{
		MaxConcurrentOrchestrationWorkItems: int32(w.Orchestrations), MaxConcurrentActivityWorkItems: int32(w.Activities),
		MaxConcurrentEntityWorkItems: int32(w.Entities),
	}
	if w.StreamsHistory {
		r.Capabilities = append(r.Capabilities, wirepb.WorkerCapability_WORKER_CAPABILITY_HISTORY_STREAMING)
	}
	if w.Own {
		r.Capabilities = append(r.Capabilities, wirepb.WorkerCapability_WORKER_CAPABILITY_PERDURE)
	}
	if f := w.Filters; f != nil {
		r.WorkItemFilters = &wirepb.WorkItemFilters{Activities: encodeActivityFilters(f.Activities), ExcludeActivities: encodeActivityFilters(f.Never)}
		for _, o := range f.Orchestrations {
			r.WorkItemFilters.Orchestrations = append(r.WorkItemFilters.Orchestrations, &wirepb.OrchestrationFilter{Name: o.Name, Versions: o.Versions})
		}
		for _, name := range f.Entities {
			r.WorkItemFilters.Entities = append(r.WorkItemFilters.Entities, &wirepb.EntityFilter{Name: name})
		}
	}
	return r
}

func encodeActivityFilters(list []hub.NameFilter) (filters []*wirepb.ActivityFilter) {
	for _, f := range list {
		filters = append(filters, &wirepb.ActivityFilter{Name: f.Name, Versions: f.Versions})
	}
	return filters
}

// itemHistory is how many bytes of events a worker is sent in one item. SDKs refuse
// messages of more than 4 MiB; what else there is in the message has its place in
// what is left.
const itemHistory = 4<<20 - 64<<10

// MaxItem is the largest message that SDKs take, in bytes, but for that of
// JavaScript and ours, which take any.
const MaxItem = 4 << 20

// DecodeWorker reads what a worker says of itself: in its request, and in its
// metadata the name of its SDK and the id of its process.
func DecodeWorker(r *wirepb.GetWorkItemsRequest, agent, id string) (*hub.Worker, error) {
	w := &hub.Worker{ID: id, MaxHistory: itemHistory}
	if w.ID == "" {
		w.ID = r.GetWorkerInstanceId()
	}
	for _, n := range []struct {
		to   *int
		from int32
	}{
		{&w.Orchestrations, r.GetMaxConcurrentOrchestrationWorkItems()},
		{&w.Activities, r.GetMaxConcurrentActivityWorkItems()},
		{&w.Entities, r.GetMaxConcurrentEntityWorkItems()},
	} {
		if n.from < 0 {
			return nil, &perdure.Error{Code: perdure.InvalidArgument, Message: "a worker cannot work on fewer than 0 items at a time"}
		}
		*n.to = int(n.from)
	}
	if strings.HasPrefix(agent, "durabletask-js") {
		w.MaxHistory = 0
	}
	capable := func(c wirepb.WorkerCapability) bool { return slices.Contains(r.GetCapabilities(), c) }
	if capable(wirepb.WorkerCapability_WORKER_CAPABILITY_HISTORY_STREAMING) {
		w.StreamsHistory = true
	}
	if capable(wirepb.WorkerCapability_WORKER_CAPABILITY_PERDURE) {
		w.Own, w.MaxHistory, w.StreamsHistory = true, 0, false
	}
	if f := r.GetWorkItemFilters(); f != nil {
		w.Filters = decodeFilters(f)
	}
	return w, nil
}

func decodeFilters(f *wirepb.WorkItemFilters) *hub.Filters {
	filters := &hub.Filters{Activities: decodeActivityFilters(f.GetActivities()), Never: decodeActivityFilters(f.GetExcludeActivities())}
	for _, o := range f.GetOrchestrations() {
		filters.Orchestrations = append(filters.Orchestrations, hub.NameFilter{Name: o.GetName(), Versions: o.GetVersions()})
	}
	for _, e := range f.GetEntities() {
		filters.Entities = append(filters.Entities, strings.ToLower(e.GetName()))
	}
	return filters
}

func decodeActivityFilters(list []*wirepb.ActivityFilter) (filters []hub.NameFilter) {
	for _, f := range list {
		filters = append(filters, hub.NameFilter{Name: f.GetName(), Versions: f.GetVersions()})
	}
	return filters
}
