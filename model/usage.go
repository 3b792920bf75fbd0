package model

// Usage counts the tokens of one or more calls.
type Usage struct {
	// AdditionalCounts are counts that only some providers have.
	AdditionalCounts map[string]int64
	// InputTokenCount includes what was read from and written to the
	// provider's prompt cache.
	InputTokenCount int64
	// OutputTokenCount includes reasoning.
	OutputTokenCount int64
	TotalTokenCount  int64
	// CachedInputTokenCount is the part of the input that the cache served.
	CachedInputTokenCount int64
	// ReasoningTokenCount is the part of the output that was reasoning.
	ReasoningTokenCount int64
}

// CountCacheWrite is the additional count of input tokens that were written to
// the provider's prompt cache.
const CountCacheWrite = "cache_creation_input_tokens"

// Add adds o to u.
func (u *Usage) Add(o Usage) {
	u.InputTokenCount += o.InputTokenCount
	u.OutputTokenCount += o.OutputTokenCount
	u.TotalTokenCount += o.TotalTokenCount
	u.CachedInputTokenCount += o.CachedInputTokenCount
	u.ReasoningTokenCount += o.ReasoningTokenCount
	if len(o.AdditionalCounts) == 0 {
		return
	}
	sum := make(map[string]int64, len(u.AdditionalCounts)+len(o.AdditionalCounts))
	for k, n := range u.AdditionalCounts {
		sum[k] += n
	}
	for k, n := range o.AdditionalCounts {
		sum[k] += n
	}
	u.AdditionalCounts = sum
}
