// Package nestedapprovals has people sign off a release in a workflow within a
// workflow, one for each region. The lead is asked first, then, at the same time,
// the people of law and of security. Whoever asks for the status of the release
// sees the questions of all regions and answers them there: an id is the place of
// the child and the name of its question. No model is involved.
//
//	url=http://127.0.0.1:8080/api/workflow/Release
//	curl --json '{"version":"v2","regions":["eu","us"]}' "$url/run?runId=v2"
//	curl $url/status/v2
//	curl --json true $url/respond/v2/SignOffRegion~0~LeadSignOff
//	curl --json false $url/respond/v2/SignOffRegion~1~LeadSignOff
//	curl --json true $url/respond/v2/SignOffRegion~0~LawSignOff
//	curl --json true $url/respond/v2/SignOffRegion~0~SecuritySignOff
package nestedapprovals

import (
	"context"

	"github.com/perdure/perdure"
)

type Plan struct {
	Version string   `json:"version"`
	Regions []string `json:"regions"`
}

// Rollout is what people sign off.
type Rollout struct {
	Version string `json:"version"`
	Region  string `json:"region"`
}

var (
	LeadSignOff     = perdure.NewEvent[bool]("LeadSignOff")
	LawSignOff      = perdure.NewEvent[bool]("LawSignOff")
	SecuritySignOff = perdure.NewEvent[bool]("SecuritySignOff")
)

// Release rolls a version out in each region in which everybody signs it off,
// and says what became of each.
func Release(ctx *perdure.Context, p Plan) ([]string, error) {
	return perdure.Map(ctx, p.Regions, 0, func(ctx *perdure.Context, region string) (string, error) {
		r := Rollout{Version: p.Version, Region: region}
		signed, err := perdure.CallOrchestration(ctx, SignOffRegion, r).Await()
		if err != nil || !signed {
			return region + " stays as it is", err
		}
		return perdure.Call(ctx, RollOut, r).Await()
	})
}

// SignOffRegion is the workflow within: whether everybody signs off a rollout.
func SignOffRegion(ctx *perdure.Context, r Rollout) (bool, error) {
	ask(ctx, r, LeadSignOff)
	if signed, err := LeadSignOff.Wait(ctx).Await(); err != nil || !signed {
		return false, err
	}
	ask(ctx, r, LawSignOff, SecuritySignOff)
	law, security := LawSignOff.Wait(ctx), SecuritySignOff.Wait(ctx)
	if perdure.Any(ctx, law, security) == security {
		law, security = security, law
	}
	if signed, err := law.Await(); err != nil || !signed { // who answered first
		return false, err
	}
	return security.Await()
}

// ask shows what the questions are about.
func ask(ctx *perdure.Context, r Rollout, questions ...perdure.Event[bool]) {
	pending := map[string]any{}
	for _, q := range questions {
		pending[q.Name()] = map[string]any{"data": r}
	}
	ctx.SetCustomStatus(map[string]any{"pending_requests": pending})
}

// RollOut deploys a version in a region.
func RollOut(_ context.Context, r Rollout) (string, error) {
	return r.Region + " runs " + r.Version, nil
}

// Register makes the workflows and their step known to a worker.
func Register(reg *perdure.Registry) {
	perdure.AddOrchestration(reg, Release)
	perdure.AddOrchestration(reg, SignOffRegion)
	perdure.AddActivity(reg, RollOut)
}
