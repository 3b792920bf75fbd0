package codec_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/proto"

	"github.com/perdure/perdure/internal/engine"
	"github.com/perdure/perdure/internal/hub"
	"github.com/perdure/perdure/internal/wire/codec"
	"github.com/perdure/perdure/internal/wire/wirepb"
)

// FuzzCompletions gives the decoders any bytes. What they accept must be the same
// after another trip.
func FuzzCompletions(f *testing.F) {
	r := random{rand.New(rand.NewPCG(1, 2))}
	for i := range 20 {
		turn := filled[hub.OrchestrationDone](r)
		b, err := proto.Marshal(codec.EncodeTurn(turn))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, i%2 == 0)
		e, err := proto.Marshal(codec.EncodeEntityDone(&hub.EntityDone{Result: *filled[engine.EntityResult](r)}))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(e, i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, b []byte, own bool) {
		var turn wirepb.OrchestratorResponse
		if proto.Unmarshal(b, &turn) == nil {
			if done, _, err := codec.DecodeTurn(&turn, own); err == nil {
				again, unknown, err := codec.DecodeTurn(sent(t, codec.EncodeTurn(done)), own)
				if diff := cmp.Diff(done, again, cmpopts.EquateEmpty()); diff != "" || unknown != 0 || err != nil {
					t.Errorf("second round trip = %d unknown, %v (-want +got):\n%s", unknown, err, diff)
				}
			}
		}
		var batch wirepb.EntityBatchResult
		if proto.Unmarshal(b, &batch) == nil {
			if done, _, err := codec.DecodeEntityDone(&batch, own); err == nil {
				again, unknown, err := codec.DecodeEntityDone(sent(t, codec.EncodeEntityDone(done)), own)
				if diff := cmp.Diff(done, again, cmpopts.EquateEmpty()); diff != "" || unknown != 0 || err != nil {
					t.Errorf("second round trip = %d unknown, %v (-want +got):\n%s", unknown, err, diff)
				}
			}
		}
		var activity wirepb.ActivityResponse
		if proto.Unmarshal(b, &activity) == nil {
			codec.DecodeActivityDone(&activity, own)
		}
		var item wirepb.WorkItem
		if proto.Unmarshal(b, &item) == nil {
			if work, err := codec.DecodeWork(&item); err == nil && work != nil {
				if again, err := codec.DecodeWork(sent(t, codec.EncodeWork(work, true))); err != nil || again == nil {
					t.Errorf("second round trip of %v = %v, %v", work, again, err)
				}
			}
		}
	})
}
