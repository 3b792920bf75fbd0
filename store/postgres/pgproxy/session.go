package pgproxy

import "strings"

// session knows what a client has prepared, bound and executed.
type session struct {
	statements map[string]string // SQL by name
	portals    map[string]string // SQL by name
	executed   []string          // since the last commit
	inBlock    bool              // between BEGIN and its end
}

func newSession() session {
	return session{statements: make(map[string]string), portals: make(map[string]string)}
}

// take takes note of a message of the client. It reports whether the message commits
// something that was written.
func (s *session) take(m message) (Commit, bool) {
	body := m[5:]
	switch m.kind() {
	case 'P':
		name, rest := text(body)
		s.statements[name], _ = text(rest)
	case 'B':
		portal, rest := text(body)
		name, _ := text(rest)
		s.portals[portal] = s.statements[name]
	case 'E':
		portal, _ := text(body)
		return s.execute(s.portals[portal])
	case 'Q':
		all, _ := text(body)
		var commit Commit
		commits := false
		for sql := range strings.SplitSeq(all, ";") {
			if c, is := s.execute(sql); is {
				commit, commits = Commit{append(commit.SQL, c.SQL...)}, true
			}
		}
		if c, is := s.sync(); is {
			commit, commits = Commit{append(commit.SQL, c.SQL...)}, true
		}
		return commit, commits
	case 'S':
		return s.sync()
	}
	return Commit{}, false
}

// execute takes note of a statement. It reports whether it commits by itself.
func (s *session) execute(sql string) (Commit, bool) {
	switch verb(sql) {
	case "":
	case "BEGIN", "START":
		s.inBlock = true
	case "ROLLBACK", "ABORT":
		if !strings.Contains(strings.ToUpper(sql), " TO ") {
			s.inBlock, s.executed = false, nil
		}
	case "COMMIT", "END":
		s.inBlock = false
		return s.end()
	default:
		s.executed = append(s.executed, sql)
	}
	return Commit{}, false
}

// sync takes note of the end of a batch, which commits what is in no block.
func (s *session) sync() (Commit, bool) {
	if s.inBlock {
		return Commit{}, false
	}
	return s.end()
}

func (s *session) end() (Commit, bool) {
	c := Commit{s.executed}
	s.executed = nil
	for _, sql := range c.SQL {
		if writes(sql) {
			return c, true
		}
	}
	return Commit{}, false
}
