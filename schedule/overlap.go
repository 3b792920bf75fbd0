package schedule

import (
	"slices"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/client"
)

const maxOutcomes = 10

func (s *state) overlap() Overlap {
	if s.Spec.Overlap == "" {
		return Skip
	}
	return s.Spec.Overlap
}

// fire starts, buffers or drops a run, as the overlap policy says.
func (s *state) fire(r Run) error {
	policy := s.overlap()
	if len(s.Running) == 0 || policy == Allow {
		return s.start(r)
	}
	switch policy {
	case BufferOne:
		if s.Buffered != nil {
			s.Counters.Skipped++
			return nil
		}
		s.Buffered = &r
	case CancelPrevious:
		if s.Buffered != nil {
			s.Counters.Skipped++
		}
		s.Buffered = &r
		return s.stop(stopRequest{Grace: s.Spec.grace().Milliseconds()})
	case TerminatePrevious:
		if err := s.stop(stopRequest{Terminate: true}); err != nil {
			return err
		}
		return s.start(r)
	default:
		s.Counters.Skipped++
	}
	return nil
}

// start starts the launcher of a run.
func (s *state) start(r Run) error {
	input, err := s.Spec.input()
	if err != nil {
		return err
	}
	r.Started = s.ctx.Now()
	id, err := s.ctx.StartOrchestration(launcherName, order{
		Schedule: s.Spec.ID, RunID: r.ID, Orchestration: s.Spec.Orchestration,
		Input: input, Version: s.Spec.Version, Tags: s.Spec.Tags,
	}, perdure.WithTags(map[string]string{tag: s.Spec.ID}))
	if err != nil {
		return err
	}
	s.Running = append(s.Running, running{Run: r, Launcher: id})
	s.Counters.Started++
	if !r.Manual {
		s.Scheduled++
	}
	return nil
}

// stop asks the launchers to end their runs, once for each way.
func (s *state) stop(how stopRequest) error {
	for i := range s.Running {
		r := &s.Running[i]
		if r.Terminated || r.Canceled && !how.Terminate {
			continue
		}
		r.Canceled, r.Terminated = true, how.Terminate
		if err := s.ctx.RaiseEvent(r.Launcher, stopRequested.Name(), how); err != nil {
			return err
		}
	}
	return nil
}

// ended takes note of the end of a run and starts the one that waits for it.
func (s *state) ended() error {
	var report report
	if err := s.ctx.Input(&report); err != nil {
		return err
	}
	i := slices.IndexFunc(s.Running, func(r running) bool { return r.Launcher == report.Launcher })
	if i < 0 {
		return nil // of a schedule with this id that was deleted
	}
	o := Outcome{Run: s.Running[i].Run, Ended: s.ctx.Now(), Status: report.Status, Error: report.Error}
	s.Running = slices.Delete(s.Running, i, i+1)
	s.Outcomes = append([]Outcome{o}, s.Outcomes[:min(len(s.Outcomes), maxOutcomes-1)]...)
	if o.Status == client.Completed {
		s.Counters.Completed++
	} else {
		s.Counters.Failed++
	}
	if s.Buffered == nil || len(s.Running) > 0 && s.overlap() != Allow {
		return nil
	}
	next := *s.Buffered
	s.Buffered = nil
	return s.start(next)
}
