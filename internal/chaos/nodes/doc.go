// Package nodes holds the tests of several nodes on one PostgreSQL: node processes that
// are killed and frozen, a database that restarts, is promoted or cuts connections, and
// what lies between failing without a word. Judged is what clients were told, what
// workers were given, and the order of commits in the database itself. It has no product
// code.
package nodes
