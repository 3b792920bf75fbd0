// Command push is a worker that sleeps: its hub calls it when there is work for it, so
// the platform that it runs on (Cloud Run, Container Apps, Knative, Azure Functions)
// stops it while a person thinks about an approval, for a day or for a year.
//
//	export PERDURE_PUSH_SECRET=$(head -c 32 /dev/urandom | base64)
//	perdure server --push-allow 127.0.0.0/8 &
//	go run ./examples/push &
//	perdure worker add expenses http://127.0.0.1:9000/perdure
//	perdure run start Expense --id e1 --input '{"who":"Ann","amount":120}'
//	perdure run event e1 Approval --data true
//	perdure run get e1
package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/perdure/perdure/host"
)

func main() {
	worker, err := host.NewPushWorker(host.PushConfig{Registry: registry(), Secret: os.Getenv("PERDURE_PUSH_SECRET")})
	if err != nil {
		slog.Error("the worker cannot run", "err", err)
		os.Exit(1)
	}
	// Azure Functions and most others say by an environment variable where to listen.
	port := cmp.Or(os.Getenv("FUNCTIONS_CUSTOMHANDLER_PORT"), os.Getenv("PORT"), "9000")
	mux := http.NewServeMux()
	mux.Handle("/perdure", worker)
	mux.Handle("/api/perdure", worker) // where the host of Azure Functions forwards it to
	server := &http.Server{Addr: cmp.Or(os.Getenv("HOST"), "") + ":" + port, Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = server.Shutdown(grace) // what is cut goes to others
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		slog.Error("the worker has ended", "err", err)
		os.Exit(1)
	}
	worker.Close()
}
