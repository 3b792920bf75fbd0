package history

// Kind implements Body.
func (*ExecutionStarted) Kind() Kind                  { return KindExecutionStarted }
func (*ExecutionCompleted) Kind() Kind                { return KindExecutionCompleted }
func (*ExecutionTerminated) Kind() Kind               { return KindExecutionTerminated }
func (*TaskScheduled) Kind() Kind                     { return KindTaskScheduled }
func (*TaskCompleted) Kind() Kind                     { return KindTaskCompleted }
func (*TaskFailed) Kind() Kind                        { return KindTaskFailed }
func (*SubOrchestrationInstanceCreated) Kind() Kind   { return KindSubOrchestrationInstanceCreated }
func (*SubOrchestrationInstanceCompleted) Kind() Kind { return KindSubOrchestrationInstanceComplete }
func (*SubOrchestrationInstanceFailed) Kind() Kind    { return KindSubOrchestrationInstanceFailed }
func (*TimerCreated) Kind() Kind                      { return KindTimerCreated }
func (*TimerFired) Kind() Kind                        { return KindTimerFired }
func (*OrchestratorStarted) Kind() Kind               { return KindOrchestratorStarted }
func (*OrchestratorCompleted) Kind() Kind             { return KindOrchestratorCompleted }
func (*EventSent) Kind() Kind                         { return KindEventSent }
func (*EventRaised) Kind() Kind                       { return KindEventRaised }
func (*GenericEvent) Kind() Kind                      { return KindGenericEvent }
func (*HistoryState) Kind() Kind                      { return KindHistoryState }
func (*ContinueAsNew) Kind() Kind                     { return KindContinueAsNew }
func (*ExecutionSuspended) Kind() Kind                { return KindExecutionSuspended }
func (*ExecutionResumed) Kind() Kind                  { return KindExecutionResumed }
func (*EntityOperationSignaled) Kind() Kind           { return KindEntityOperationSignaled }
func (*EntityOperationCalled) Kind() Kind             { return KindEntityOperationCalled }
func (*EntityOperationCompleted) Kind() Kind          { return KindEntityOperationCompleted }
func (*EntityOperationFailed) Kind() Kind             { return KindEntityOperationFailed }
func (*EntityLockRequested) Kind() Kind               { return KindEntityLockRequested }
func (*EntityLockGranted) Kind() Kind                 { return KindEntityLockGranted }
func (*EntityUnlockSent) Kind() Kind                  { return KindEntityUnlockSent }
func (*ExecutionRewound) Kind() Kind                  { return KindExecutionRewound }
