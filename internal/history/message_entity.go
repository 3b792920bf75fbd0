package history

// Our own fields in the messages of locks, and of signals.
const (
	numLockSet         = 1000
	numParentExecution = 1001

	numSignalTrace = 1000
)

func (x *EntityOperationSignaled) encode(b []byte) []byte {
	b = appendString(b, 1, x.RequestID)
	b = appendString(b, 2, x.Operation)
	b = appendTime(b, 3, x.ScheduledTime)
	b = appendText(b, 4, x.Input)
	b = appendText(b, 5, x.TargetInstanceID)
	return appendTrace(b, numSignalTrace, x.ParentTrace)
}

func (x *EntityOperationSignaled) decode(d *decoder, f *field) error {
	switch f.num {
	case 1:
		return d.string(f, &x.RequestID)
	case 2:
		return d.string(f, &x.Operation)
	case 3:
		return d.time(f, &x.ScheduledTime)
	case 4:
		return d.text(f, &x.Input)
	case 5:
		return d.text(f, &x.TargetInstanceID)
	case numSignalTrace:
		return decodeInto(d, f, &x.ParentTrace)
	}
	return nil
}

func (x *EntityOperationCalled) encode(b []byte) []byte {
	b = appendString(b, 1, x.RequestID)
	b = appendString(b, 2, x.Operation)
	b = appendTime(b, 3, x.ScheduledTime)
	b = appendText(b, 4, x.Input)
	b = appendText(b, 5, x.ParentInstanceID)
	b = appendText(b, 6, x.ParentExecutionID)
	return appendText(b, 7, x.TargetInstanceID)
}

func (x *EntityOperationCalled) decode(d *decoder, f *field) error {
	switch f.num {
	case 1:
		return d.string(f, &x.RequestID)
	case 2:
		return d.string(f, &x.Operation)
	case 3:
		return d.time(f, &x.ScheduledTime)
	case 4:
		return d.text(f, &x.Input)
	case 5:
		return d.text(f, &x.ParentInstanceID)
	case 6:
		return d.text(f, &x.ParentExecutionID)
	case 7:
		return d.text(f, &x.TargetInstanceID)
	}
	return nil
}

func (x *EntityOperationCompleted) encode(b []byte) []byte {
	b = appendString(b, 1, x.RequestID)
	return appendText(b, 2, x.Output)
}

func (x *EntityOperationCompleted) decode(d *decoder, f *field) error {
	switch f.num {
	case 1:
		return d.string(f, &x.RequestID)
	case 2:
		return d.text(f, &x.Output)
	}
	return nil
}

func (x *EntityOperationFailed) encode(b []byte) []byte {
	b = appendString(b, 1, x.RequestID)
	return appendFailure(b, 2, x.Failure)
}

func (x *EntityOperationFailed) decode(d *decoder, f *field) error {
	switch f.num {
	case 1:
		return d.string(f, &x.RequestID)
	case 2:
		return decodeInto(d, f, &x.Failure)
	}
	return nil
}

func (x *EntityLockRequested) encode(b []byte) []byte {
	b = appendString(b, 1, x.CriticalSectionID)
	b = appendStrings(b, 2, x.LockSet)
	b = appendInt(b, 3, int64(x.Position))
	b = appendText(b, 4, x.ParentInstanceID)
	return appendText(b, numParentExecution, x.ParentExecutionID)
}

func (x *EntityLockRequested) decode(d *decoder, f *field) error {
	switch f.num {
	case 1:
		return d.string(f, &x.CriticalSectionID)
	case 2:
		return d.strings(f, &x.LockSet)
	case 3:
		return d.int32(f, &x.Position)
	case 4:
		return d.text(f, &x.ParentInstanceID)
	case numParentExecution:
		return d.text(f, &x.ParentExecutionID)
	}
	return nil
}

func (x *EntityLockGranted) encode(b []byte) []byte {
	b = appendString(b, 1, x.CriticalSectionID)
	b = appendStrings(b, numLockSet, x.LockSet)
	return appendText(b, numParentExecution, x.ParentExecutionID)
}

func (x *EntityLockGranted) decode(d *decoder, f *field) error {
	switch f.num {
	case 1:
		return d.string(f, &x.CriticalSectionID)
	case numLockSet:
		return d.strings(f, &x.LockSet)
	case numParentExecution:
		return d.text(f, &x.ParentExecutionID)
	}
	return nil
}

func (x *EntityUnlockSent) encode(b []byte) []byte {
	b = appendString(b, 1, x.CriticalSectionID)
	b = appendText(b, 2, x.ParentInstanceID)
	b = appendText(b, 3, x.TargetInstanceID)
	b = appendStrings(b, numLockSet, x.LockSet)
	return appendText(b, numParentExecution, x.ParentExecutionID)
}

func (x *EntityUnlockSent) decode(d *decoder, f *field) error {
	switch f.num {
	case 1:
		return d.string(f, &x.CriticalSectionID)
	case 2:
		return d.text(f, &x.ParentInstanceID)
	case 3:
		return d.text(f, &x.TargetInstanceID)
	case numLockSet:
		return d.strings(f, &x.LockSet)
	case numParentExecution:
		return d.text(f, &x.ParentExecutionID)
	}
	return nil
}
