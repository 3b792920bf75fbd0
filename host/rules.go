package host

import (
	"strings"

	"github.com/perdure/perdure/internal/access"
	"github.com/perdure/perdure/internal/wire"
)

// rule says what becomes of calls of a method.
type rule struct {
	// need is the right that the caller must have.
	need   access.Right
	atStop atStop
	worker bool // it is the stream of a worker's items
	inside bool // the service itself finds out who calls, and asks admit
}

// atStop says what becomes of a call that is under way when the server stops.
type atStop int

const (
	finish atStop = iota // it has the grace to finish
	giveUp               // it ends with UNAVAILABLE: a wait, which may be called again
	endOK                // it ends well: a stream that has no end of its own
)

// rules are the rules of gRPC's methods, by their full names.
func rules() map[string]rule {
	return map[string]rule{
		"/grpc.health.v1.Health/Check": {need: access.Anyone},
		"/grpc.health.v1.Health/List":  {need: access.Anyone},
		"/grpc.health.v1.Health/Watch": {need: access.Anyone, atStop: endOK},

		sidecar + "Hello":                                 {need: access.Known},
		sidecar + "StartInstance":                         {need: access.Write},
		sidecar + "GetInstance":                           {need: access.Read},
		sidecar + "RewindInstance":                        {need: access.Write},
		sidecar + "RestartInstance":                       {need: access.Write},
		sidecar + "WaitForInstanceStart":                  {need: access.Read, atStop: giveUp},
		sidecar + "WaitForInstanceCompletion":             {need: access.Read, atStop: giveUp},
		sidecar + "RaiseEvent":                            {need: access.Write},
		sidecar + "TerminateInstance":                     {need: access.Write},
		sidecar + "SuspendInstance":                       {need: access.Write},
		sidecar + "ResumeInstance":                        {need: access.Write},
		sidecar + "QueryInstances":                        {need: access.Read},
		sidecar + "ListInstanceIds":                       {need: access.Read},
		sidecar + "PurgeInstances":                        {need: access.Write},
		sidecar + "GetWorkItems":                          {need: access.Work, atStop: endOK, worker: true},
		sidecar + "CompleteActivityTask":                  {need: access.Work},
		sidecar + "CompleteOrchestratorTask":              {need: access.Work},
		sidecar + "CompleteEntityTask":                    {need: access.Work},
		sidecar + "StreamInstanceHistory":                 {need: access.Read | access.Work},
		sidecar + "CreateTaskHub":                         {need: access.Write},
		sidecar + "DeleteTaskHub":                         {need: access.Write},
		sidecar + "SignalEntity":                          {need: access.Write},
		sidecar + "GetEntity":                             {need: access.Read},
		sidecar + "QueryEntities":                         {need: access.Read},
		sidecar + "CleanEntityStorage":                    {need: access.Write},
		sidecar + "AbandonTaskActivityWorkItem":           {need: access.Work},
		sidecar + "AbandonTaskOrchestratorWorkItem":       {need: access.Work},
		sidecar + "AbandonTaskEntityWorkItem":             {need: access.Work},
		sidecar + "SkipGracefulOrchestrationTerminations": {need: access.Write},

		own + "Hello":          {need: access.Known},
		own + "Start":          {need: access.Write},
		own + "Raise":          {need: access.Write},
		own + "Signal":         {need: access.Write},
		own + "Control":        {need: access.Write},
		own + "Purge":          {need: access.Write},
		own + "Complete":       {need: access.Work},
		own + "Heartbeat":      {need: access.Work},
		own + "Instance":       {need: access.Read},
		own + "History":        {need: access.Read | access.Work},
		own + "List":           {need: access.Read},
		own + "Counts":         {need: access.Read},
		own + "Entity":         {need: access.Read},
		own + "WaitStart":      {need: access.Read, atStop: giveUp},
		own + "WaitCompletion": {need: access.Read, atStop: giveUp},
		own + "Ask":            {need: access.Write, atStop: giveUp},
		own + "Position":       {need: access.Read},
		own + "Changes":        {need: access.Read, atStop: giveUp},
		own + "ReadRows":       {need: access.Read},
		own + "WriteRows":      {need: access.Write},
		own + "WatchRows":      {need: access.Read, atStop: endOK},
		own + "Ended":          {need: access.Read},
		own + "Entities":       {need: access.Read},
		own + "CleanEntities":  {need: access.Write},
		own + "TerminateNow":   {need: access.Write},
		own + "Work":           {need: access.Work, atStop: endOK, worker: true},

		// Scalers name their hub, and show their token, in the request: see admit.
		scaler + "IsActive":       {need: access.Anyone, inside: true},
		scaler + "StreamIsActive": {need: access.Anyone, inside: true, atStop: endOK},
		scaler + "GetMetricSpec":  {need: access.Anyone, inside: true},
		scaler + "GetMetrics":     {need: access.Anyone, inside: true},
	}
}

// What the methods of the Durable Task protocol begin with, those of our own clients
// and workers, and those of scalers.
const (
	sidecar = "/" + wire.ServiceName + "/"
	own     = "/" + wire.OwnService + "/"
	nodes   = "/perdure.node." // all versions of what nodes call each other by
	scaler  = "/" + wire.ScalerService + "/"
)

// ruleOf returns the rule of a method. What the table does not name is for those who
// may do everything on their hub.
func (s *rpcServer) ruleOf(method string) rule {
	if r, ok := s.rules[method]; ok {
		return r
	}
	if strings.HasPrefix(method, nodes) {
		return rule{need: access.Node, atStop: giveUp} // the caller looks for the holder again
	}
	return rule{need: access.Write}
}
