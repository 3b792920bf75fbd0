package httpapi

// Kept is how much is kept for streams.
func (a *API) Kept() int {
	a.ticker.mu.Lock()
	defer a.ticker.mu.Unlock()
	return a.rows.len() + a.counts.len() + len(a.ticker.viewers) + len(a.ticker.held)
}

// Streams is how many are open.
func (a *API) Streams() int { return int(a.streams.Load()) }
