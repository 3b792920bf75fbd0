package pgtest

// Standby starts a standby of the server, which follows it. With synchronous set
// the server waits for it in each commit.
func (s *Server) Standby(synchronous bool) *Server {
	s.t.Helper()
	standby := newServer(s.t)
	standby.must("copy of the primary", standby.run("pg_basebackup", "-D", standby.data, "-R", "-X", "stream", "-c", "fast",
		"-d", s.URL("postgres")+"&application_name=standby"))
	standby.Resume()
	if synchronous {
		s.Exec("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'standby'")
		s.Exec("postgres", "SELECT pg_reload_conf()")
	}
	return standby
}

// Promote makes a standby a primary. On return it takes writes.
func (s *Server) Promote() {
	s.t.Helper()
	s.Exec("postgres", "ALTER SYSTEM SET synchronous_standby_names = ''")
	s.must("promotion", s.run("pg_ctl", "promote", "-w", "-D", s.data))
}
