package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
)

// signal is a kind of telemetry, as environment variables name it.
type signal string

const (
	traces  signal = "TRACES"
	metrics signal = "METRICS"
)

// exported reports whether OpenTelemetry's environment variables ask for a signal
// to be sent. Unlike its SDKs, we send nothing by default.
func (s signal) exported() (bool, error) {
	if strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return false, nil
	}
	endpoint := first("OTEL_EXPORTER_OTLP_"+string(s)+"_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
	switch name := "OTEL_" + string(s) + "_EXPORTER"; os.Getenv(name) {
	case "otlp":
	case "none":
		return false, nil
	case "":
		if endpoint == "" {
			return false, nil
		}
	default:
		return false, fmt.Errorf("%s is %q; known are otlp and none", name, os.Getenv(name))
	}
	switch protocol := first("OTEL_EXPORTER_OTLP_"+string(s)+"_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"); protocol {
	case "", "http/protobuf":
		return true, nil
	default:
		return false, fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is %q; only http/protobuf is spoken, on port 4318 by custom", protocol)
	}
}

// first returns the first environment variable that is set.
func first(names ...string) string {
	for _, name := range names {
		if v := os.Getenv(name); v != "" {
			return v
		}
	}
	return ""
}

// captures reports whether the environment asks for what was said in spans.
func captures() bool {
	switch strings.ToLower(os.Getenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT")) {
	case "true", "span_only", "span_and_event":
		return true
	}
	return false
}

// checkTelemetry returns what is wrong with the environment variables.
func checkTelemetry() error {
	_, err := traces.exported()
	_, also := metrics.exported()
	return errors.Join(err, also)
}

// observe returns what has a service of agents observed as the configuration or the
// environment says. Stop sends what is left.
func (a *App) observe(ctx context.Context) (watch func(*agent.Service) error, stop func(context.Context) error, err error) {
	var t agent.Telemetry
	stop = func(context.Context) error { return nil }
	if a.cfg.Telemetry != nil {
		t = *a.cfg.Telemetry
	} else if t, stop, err = a.export(ctx); err != nil {
		return nil, stop, err
	}
	if t == (agent.Telemetry{}) {
		return func(*agent.Service) error { return nil }, stop, nil
	}
	return func(s *agent.Service) error { return s.Observe(t) }, stop, nil
}

// export returns what sends telemetry as the environment says, if it does.
func (a *App) export(ctx context.Context) (t agent.Telemetry, stop func(context.Context) error, err error) {
	var stops []func(context.Context) error
	stop = func(ctx context.Context) error {
		var errs []error
		for _, s := range stops {
			errs = append(errs, s(ctx))
		}
		return errors.Join(errs...)
	}
	defer func() {
		if err != nil {
			err = errors.Join(&perdure.Error{Code: perdure.InvalidArgument, Op: "run", Message: "the OTEL_* environment variables cannot be followed", Cause: err}, stop(ctx))
		}
	}()
	send, err := traces.exported()
	if err != nil {
		return t, stop, err
	}
	count, err := metrics.exported()
	if err != nil || !send && !count {
		return t, stop, err
	}
	about, err := a.resource(ctx)
	if err != nil {
		return t, stop, err
	}
	if send {
		exporter, err := otlptracehttp.New(ctx)
		if err != nil {
			return t, stop, err
		}
		provider := trace.NewTracerProvider(trace.WithBatcher(exporter), trace.WithResource(about), trace.WithIDGenerator(agent.SpanIDs{}))
		t.TracerProvider, stops = provider, append(stops, provider.Shutdown)
	}
	if count {
		exporter, err := otlpmetrichttp.New(ctx)
		if err != nil {
			return t, stop, err
		}
		provider := metric.NewMeterProvider(metric.WithReader(metric.NewPeriodicReader(exporter)), metric.WithResource(about))
		t.MeterProvider, stops = provider, append(stops, provider.Shutdown)
	}
	t.RecordContent = captures()
	return t, stop, nil
}

// resource describes the process. OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES
// have the last word.
func (a *App) resource(ctx context.Context) (*resource.Resource, error) {
	version, _, _ := build()
	return resource.New(ctx,
		resource.WithAttributes(
			attribute.String("service.name", "perdure"), attribute.String("service.version", version),
			attribute.String("service.instance.id", nodeName())),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
}
