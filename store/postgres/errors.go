package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/perdure/perdure/store"
)

// SQLSTATE codes that the driver tells apart.
const (
	divisionByZero    = "22012" // how a statement of ours says that a check failed
	uniqueViolation   = "23505"
	readOnly          = "25006"
	wrongPassword     = "28P01"
	noAuthorization   = "28000"
	noDatabase        = "3D000"
	undefinedSchema   = "3F000"
	serialization     = "40001"
	deadlock          = "40P01"
	noPermission      = "42501"
	undefinedTable    = "42P01"
	duplicateSchema   = "42P06"
	duplicateTable    = "42P07"
	diskFull          = "53100"
	tooManyConns      = "53300"
	notAllowingConns  = "55000" // at the start of a connection
	lockNotAvailable  = "55P03"
	queryCanceled     = "57014"
	adminShutdown     = "57P01"
	crashShutdown     = "57P02"
	cannotConnectNow  = "57P03"
	idleInTransaction = "25P03"
	staleStatement    = "0A000" // cached plan must not change result type
	noSuchStatement   = "26000"
)

// is reports whether the server answered with one of these codes.
func is(err error, codes ...string) bool {
	var answer *pgconn.PgError
	return errors.As(err, &answer) && slices.Contains(codes, answer.Code)
}

// answered reports whether the server itself refused a statement and goes on with
// the connection: then the transaction is rolled back for certain.
func answered(err error) bool {
	var answer *pgconn.PgError
	if !errors.As(err, &answer) {
		return false
	}
	severity := answer.SeverityUnlocalized
	if severity == "" {
		severity = answer.Severity
	}
	return severity == "ERROR"
}

// passing reports whether an error is of a kind that goes away by itself: the
// database cannot be reached, restarts, or has no place for a connection.
func passing(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) {
		return false
	}
	if is(err, adminShutdown, crashShutdown, cannotConnectNow, tooManyConns) {
		return true
	}
	var failed *pgconn.ConnectError
	if errors.As(err, &failed) && is(err, notAllowingConns) {
		return true
	}
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return answer.Code[:2] == "08"
	}
	var network net.Error
	return errors.As(err, &network) || errors.As(err, &failed) || pgconn.SafeToRetry(err) || errors.Is(err, errLost) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

// errLost marks the end of a connection in the middle of an exchange.
var errLost = errors.New("connection to PostgreSQL lost")

// lost marks an error that ended its connection.
func lost(conn interface{ IsClosed() bool }, err error) error {
	if err != nil && conn.IsClosed() && !is(err, noPermission) {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	return err
}

// explained adds what to do to an error that people meet.
func explained(err error) error {
	if err == nil {
		return nil
	}
	advice := ""
	switch {
	case is(err, wrongPassword, noAuthorization):
		advice = "PostgreSQL does not accept user or password; check the address given as the hub"
	case is(err, noDatabase):
		advice = "create the database, or name another in the address given as the hub"
	case is(err, noPermission):
		advice = "the user lacks a right; grant it CREATE on the database, or run `perdure migrate --print` as its owner and grant the user all rights on schema perdure"
	case is(err, readOnly):
		return fmt.Errorf("%w: the database takes no writes (read-only, or a standby); connect to the primary: %w", errUnsafe, err)
	case is(err, diskFull):
		return fmt.Errorf("%w: the database's disk is full; free some space there: %w", store.ErrNoSpace, err)
	case is(err, tooManyConns):
		advice = "PostgreSQL has no connection left; raise max_connections or stop other clients"
	case unreachable(err):
		advice = "PostgreSQL cannot be reached; is it running, and are host and port in the address given as the hub right?"
	default:
		return err
	}
	return fmt.Errorf("%s: %w", advice, err)
}

// unreachable reports whether no server has answered.
func unreachable(err error) bool {
	var answer *pgconn.PgError
	var failed *pgconn.ConnectError
	return errors.As(err, &failed) && !errors.As(err, &answer)
}

// refused is an error with which an open database refuses what it took before. What
// somebody has taken away may come back, so it is not for good.
func refused(err error) error {
	if errors.Is(err, errUnsafe) || is(err, readOnly, noPermission, wrongPassword, noAuthorization, noDatabase) {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, explained(err))
	}
	return explained(err)
}
