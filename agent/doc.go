// Package agent runs durable agents: a model with instructions and tools that
// keeps its conversations and survives the end of its process.
//
// An [Agent] is registered beside orchestrations by [Register]. What it is told
// in one conversation goes to a session: an entity that admits one turn at a time.
// A turn is an orchestration; each call of the model and each call of a tool is an
// activity of it, a step that is recorded. After a crash a turn goes on at the
// step where it was: a step with a recorded outcome is not run again, the one
// that was interrupted is.
//
// Orchestrations run agents with [Agent.Run] and [Ref.Run]; all others use a
// [Service], which the worker of the process needs too (see [Service.Context]).
//
// Messages lie once, as rows beside the turn that wrote them. What a model says
// is streamed while it says it, see [Service.Stream].
//
// A tool that was running when the process died is called again only if its class
// allows it, see [Effect]: what became of the others is asked of the tool, see
// [WithReconcile], else of a person. Tools with effects should pass on [EffectID],
// which is the same for each attempt. A call without an outcome outlives its turn:
// the session is kept until it is known what became of it, see [Service.Delete].
//
// Tools may need a person's approval, see [RequireApproval]. Questions to people
// are listed by [Service.Decisions] and answered, once each, by [Service.Decide];
// meanwhile the turn waits and holds no worker.
//
// [Wrap] makes an agent of one of another framework.
package agent
