package postgres

// Abandon ends an open database as the end of its process would: nothing is
// finished, looked up or given back.
func (db *DB) Abandon() {
	db.end()
	_ = db.Close()
}
