package peer_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/internal/clock"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/hub/hubtest"
	"github.com/perdure/perdure/internal/hub/remote"
	"github.com/perdure/perdure/internal/peer"
	"github.com/perdure/perdure/store/memory"
)

// front is a node with the knowledge when the hub is idle.
type front struct {
	*peer.Hub
	idle func(context.Context) (time.Time, error)
}

func (f front) Idle(ctx context.Context) (time.Time, error) { return f.idle(ctx) }

// clusterHarness runs the suite at one of three nodes.
type clusterHarness struct {
	disk *memory.Disk
	cut  bool // nodes do not reach each other
	tcp  bool // nodes call each other over gRPC
	// worker, if set, runs the code outside of the hub, connected to the last node.
	worker *hub.Worker
}

// NamesRequests and RunsOutside implement hubtest.Far.
func (clusterHarness) NamesRequests() bool { return true }
func (clusterHarness) RunsOutside() bool   { return false }

// Start implements hubtest.Harness.
func (h clusterHarness) Start(t testing.TB, reg *perdure.Registry, c clock.Clock) (hubtest.Hub, func()) {
	t.Helper()
	code := reg
	if h.worker != nil {
		code = perdure.NewRegistry()
	}
	all := newCluster(t, h.disk, func(string) *perdure.Registry { return code })
	all.clock, all.wires.cut = c, h.cut
	all.lease, all.renew = 5*time.Second, 30*time.Millisecond
	if h.tcp {
		all.overTCP(func(address string) (peer.Link, error) {
			return remote.DialNode(remote.NodeConfig{Address: address, Secret: []byte(secret)})
		})
	}
	all.join("a", "b", "c")
	all.settled()
	leave := func() {}
	if h.worker != nil {
		var err error
		if leave, err = hubtest.Serve(context.Background(), front{all.node("c").Hub, all.idle}, h.worker, reg, c); err != nil {
			t.Fatal(err)
		}
	}
	return front{all.node("a").Hub, all.idle}, func() {
		leave()
		all.close()
	}
}

// ofOneProcess are cases that hold for one process only.
var ofOneProcess = []string{
	"Limit/Bounds", "Limit/FreedByCancel", // a node's limits are its own
	"RemoteItems/LateAfterRestart", "Lock/Transfer",
	"ForeignEntity/W56Locks",                                // turns of instances of different nodes have no order
	"RemoteItems/Losses",                                    // and blame all that they had given to a worker that is lost
	"RemoteItems/W06Unread",                                 // a node fetches some items that its worker does not fetch
	"RemoteItems/Timeout",                                   // a closed stream gets an item more from a node that has not heard of it
	"Upkeep/Clean",                                          // an unlock is on its way to another node for a moment
	"Timer/Cancel", "Timer/Order", "RemoteItems/W13Abandon", // they know the moment at which something happens next; nodes have more of these
}

// byLetter are cases that notice that nodes without connections hear later of what is
// closed.
var byLetter = []string{"RemoteItems/W34Terminate",
	"Overlay/Outside", "Overlay/Inside", "Overlay/Most"} // nodes write no letters for it

// TestCluster runs the suite at one of three nodes.
func TestCluster(t *testing.T) {
	t.Parallel()
	hubtest.RunBut(t, func(*testing.T) hubtest.Harness { return clusterHarness{disk: &memory.Disk{}} }, ofOneProcess...)
}

// TestClusterByLetter does it with nodes that do not reach each other.
func TestClusterByLetter(t *testing.T) {
	t.Parallel()
	hubtest.RunBut(t, func(*testing.T) hubtest.Harness { return clusterHarness{disk: &memory.Disk{}, cut: true} }, slices.Concat(byLetter, ofOneProcess)...)
}

// TestClusterOverTCP does it with nodes that call each other over gRPC.
func TestClusterOverTCP(t *testing.T) {
	t.Parallel()
	hubtest.RunBut(t, func(*testing.T) hubtest.Harness { return clusterHarness{disk: &memory.Disk{}, tcp: true} }, ofOneProcess...)
}

// TestClusterWithWorker runs all code at a worker that is connected to another node than
// the one that is called.
func TestClusterWithWorker(t *testing.T) {
	t.Parallel()
	// As with a worker at a hub of one process: these count commits, look before a worker
	// has had time to change anything, or block a turn.
	without := slices.Concat([]string{"Start/Completes", "Timer/AfterRestart", "Event/Case", "Entity/Batch", "Feed/Waits", "Upkeep/TerminateNow", "Fault/Blocked",
		"Token/Wrong", "Control/SuspendResume", "Event/Waits", "Lock/Transfer", "Limit/FreedByCancel", "Start/ReplacesDuringTurn"}, ofOneProcess)
	hubtest.RunBut(t, func(*testing.T) hubtest.Harness {
		return clusterHarness{disk: &memory.Disk{}, worker: &hub.Worker{Own: true, ID: "own"}}
	}, without...)
}
