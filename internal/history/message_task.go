package history

// The result of an activity and of a sub-orchestration have the same fields, as
// have their failures.

func appendCompletion(b []byte, id int32, result Text) []byte {
	b = appendInt(b, 1, int64(id))
	return appendText(b, 2, result)
}

func decodeCompletion(d *decoder, f *field, id *int32, result *Text) error {
	switch f.num {
	case 1:
		return d.int32(f, id)
	case 2:
		return d.text(f, result)
	}
	return nil
}

func appendFailed(b []byte, id int32, failure *Failure) []byte {
	b = appendInt(b, 1, int64(id))
	return appendFailure(b, 2, failure)
}

func decodeFailed(d *decoder, f *field, id *int32, failure **Failure) error {
	switch f.num {
	case 1:
		return d.int32(f, id)
	case 2:
		return decodeInto(d, f, failure)
	}
	return nil
}

func (x *TaskCompleted) encode(b []byte) []byte {
	return appendCompletion(b, x.TaskScheduledID, x.Result)
}

func (x *SubOrchestrationInstanceCompleted) encode(b []byte) []byte {
	return appendCompletion(b, x.TaskScheduledID, x.Result)
}

func (x *TaskFailed) encode(b []byte) []byte {
	return appendFailed(b, x.TaskScheduledID, x.Failure)
}

func (x *SubOrchestrationInstanceFailed) encode(b []byte) []byte {
	return appendFailed(b, x.TaskScheduledID, x.Failure)
}

func (x *TaskScheduled) encode(b []byte) []byte {
	b = appendString(b, 1, x.Name)
	b = appendText(b, 2, x.Version)
	b = appendText(b, 3, x.Input)
	b = appendTrace(b, 4, x.ParentTrace)
	return appendTags(b, 5, x.Tags)
}

func (x *TaskScheduled) decode(d *decoder, f *field) error {
	switch f.num {
	case 1:
		return d.string(f, &x.Name)
	case 2:
		return d.text(f, &x.Version)
	case 3:
		return d.text(f, &x.Input)
	case 4:
		return decodeInto(d, f, &x.ParentTrace)
	case 5:
		return d.tags(f, &x.Tags)
	}
	return nil
}

func (x *SubOrchestrationInstanceCreated) encode(b []byte) []byte {
	b = appendString(b, 1, x.InstanceID)
	b = appendString(b, 2, x.Name)
	b = appendText(b, 3, x.Version)
	b = appendText(b, 4, x.Input)
	b = appendTrace(b, 5, x.ParentTrace)
	return appendTags(b, 6, x.Tags)
}

func (x *SubOrchestrationInstanceCreated) decode(d *decoder, f *field) error {
	switch f.num {
	case 1:
		return d.string(f, &x.InstanceID)
	case 2:
		return d.string(f, &x.Name)
	case 3:
		return d.text(f, &x.Version)
	case 4:
		return d.text(f, &x.Input)
	case 5:
		return decodeInto(d, f, &x.ParentTrace)
	case 6:
		return d.tags(f, &x.Tags)
	}
	return nil
}

func (x *TimerCreated) encode(b []byte) []byte { return appendTime(b, 1, x.FireAt) }

func (x *TimerCreated) decode(d *decoder, f *field) error {
	if f.num != 1 {
		return nil
	}
	return d.time(f, &x.FireAt)
}

func (x *TimerFired) encode(b []byte) []byte {
	b = appendTime(b, 1, x.FireAt)
	return appendInt(b, 2, int64(x.TimerID))
}

func (x *TimerFired) decode(d *decoder, f *field) error {
	switch f.num {
	case 1:
		return d.time(f, &x.FireAt)
	case 2:
		return d.int32(f, &x.TimerID)
	}
	return nil
}
