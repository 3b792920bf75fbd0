package host

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/perdure/perdure"
	"github.com/perdure/perdure/agent"
	"github.com/perdure/perdure/agent/mcp"
	"github.com/perdure/perdure/internal/access"
	"github.com/perdure/perdure/internal/httpapi"
	"github.com/perdure/perdure/internal/hub/push"
	"github.com/perdure/perdure/internal/hub/remote"
	"github.com/perdure/perdure/internal/webhook"
	"github.com/perdure/perdure/schedule"
)

// Config says what an App runs. The zero value works: it keeps its state in
// ./perdure-data and serves on 127.0.0.1:8080.
type Config struct {
	// Hub is where the state lives: a directory, which is made if there is none; a
	// PostgreSQL database, postgres://user:password@host:port/database, which any number
	// of apps share, each a node that carries on its part of the hubs; or the address of a server that has it, for whose hub the app then works:
	// http(s)://host:port, of a Perdure server, with the hub's name as query taskhub, or
	// a connection string of the Durable Task Scheduler,
	// Endpoint=...;TaskHub=...;Authentication=.... "" = ./perdure-data.
	Hub string
	// HubToken is shown to a server that has the hub. "" = that of the environment
	// variable PERDURE_TOKEN, if there is one.
	HubToken string
	// NoMigrate refuses a database whose schema is missing or older than this version's.
	// Else New versions bring it up to date when they start, which needs the right to
	// change it; perdure migrate does so ahead of that.
	NoMigrate bool
	// Addr is the address to serve on, host:port; port 0 picks a free one. ""
	// = 127.0.0.1:8080.
	Addr string
	// Listen are further addresses to serve on, of the same form; nil = none. SDKs
	// look for a hub at 127.0.0.1:4001.
	Listen []string
	// Advertise is the address at which other nodes of the same database reach this
	// one, host:port, if Hub names a database. They speak TLS with each other, also
	// where TLS names no files, with a key that only those have who can read the
	// database. AdvertiseNone = they do not reach it and work through the database, more
	// slowly. "" = Addr, or, if that stands for all addresses of the machine, the first
	// one that other machines reach.
	Advertise string
	// TLS is spoken on all addresses if it names files. The zero value = plaintext.
	TLS TLS
	// Tokens is a file of tokens, without one of which nothing is served but health. The
	// command perdure token new writes it; it is followed, so that a line that is taken
	// out holds no more within a second. "" = none are demanded.
	Tokens string
	// UnsafeListen allows addresses that others can reach: whoever reaches one may do
	// everything.
	UnsafeListen bool
	// TaskHubs are hubs that there are to be beside "default"; they are made if
	// necessary. All hubs share the Registry and know nothing of each other. A request
	// chooses its hub by the header taskhub.
	TaskHubs []string
	// Hosts are names under which the server is reached beside the loopback
	// names and the host of Addr; requests with other names are refused.
	Hosts []string

	// Prefix begins the routes that Microsoft's hosts of durable agents have too:
	// those of agents (/api/agents/{name}/run), of workflows and /api/health. ""
	// = "/api".
	Prefix string

	// DotNet has the route that runs agents answer as Microsoft's hosts of .NET do,
	// with the response as an object and the status as a number, not as those of
	// Python do.
	DotNet bool
	// Document is the version of the state documents as which others read sessions:
	// agent.DocumentVersion12 or agent.DocumentVersion11. "" = DocumentVersion12.
	Document string

	// Registry holds the orchestrations, activities and entities that run
	// here; nil = none. New adds what package schedule and the agents of other
	// processes need, if it lacks that.
	Registry *perdure.Registry
	// Workflows are orchestrations of the Registry that are offered as tools at
	// /mcp, beside the agents; nil = none.
	Workflows []mcp.Workflow
	// Model names the model in use, for GET /api/v1/info.
	Model string

	// Retention is how long runs are kept after their end. The zero value = for ever.
	Retention Retention

	// PushAllow are ranges of addresses, such as 10.0.0.0/8, in which workers may be
	// called by URL beside public addresses. Requests without TLS go to these only.
	// Whoever may write to the hub registers workers; nil = they are public, with https.
	PushAllow []string

	// Webhook is told of decisions when they open; the zero value tells nobody.
	Webhook Webhook

	// Telemetry is told what agents do. nil = a collector is, over OTLP and HTTP, if
	// OpenTelemetry's environment variables name one: OTEL_EXPORTER_OTLP_ENDPOINT
	// and its like.
	Telemetry *agent.Telemetry

	// TimeScale lets the hub's time run faster, so that a day passes in
	// seconds: for trying things out, never on a data folder that matters, as
	// its times lie in the future afterwards. 0 = 1 = real time.
	TimeScale float64
	// BodyLimit is the most bytes of a JSON body. 0 = 1 MiB.
	BodyLimit int64
	// ReadOnly has HTTP show everything and change nothing: such requests are refused.
	// Workers of other processes, over gRPC, go on.
	ReadOnly bool
	// Links are patterns of addresses of other systems that the dashboard shows at runs, by
	// the field of the run: id, name, version, agent, session, parent, root, worker, model,
	// trace, fingerprint or tag.KEY. {value} stands for the field's value, {FIELD} for that
	// of another one: "trace": "https://jaeger.example.com/trace/{value}". Only http and
	// https are allowed, and hosts that do not depend on values. nil = none.
	Links map[string]string
	// Grace is how long running requests may go on after the app was asked to
	// stop. 0 = 10 s.
	Grace time.Duration

	// Logger gets what operators should know. nil = slog.Default().
	Logger *slog.Logger
	// Progress is told what a long start-up is doing, at most once a second.
	// nil = the Logger is told.
	Progress func(text string)
}

// Webhook is a URL that is told of each decision when it opens, at least once, by
// POST. The body is JSON: type is "decision.opened", decision is the decision as GET
// /api/v1/decisions/{id} shows it. Requests are signed as Standard Webhooks says:
// webhook-signature is "v1," and the HMAC-SHA256, in base64, of webhook-id,
// webhook-timestamp and the body with a dot between. What is not answered with 200
// to 299 is sent again, after 1 s at first and after 5 minutes at most, while the
// decision is open. A decision that no tool of this process has asked for is told
// within 15 s.
type Webhook struct {
	URL string // http or https; "" = none
	// Secret signs: of the form whsec_ and base64 with its decoded bytes, else with
	// its own; at least 16 bytes.
	Secret string
}

// String hides the secret.
func (w Webhook) String() string { return w.URL }

// GoString hides the secret.
func (w Webhook) GoString() string { return w.URL }

var prefixForm = regexp.MustCompile(`^((/[A-Za-z0-9_-]+)+)?$`)

// DefaultHub and DefaultAddr are what the zero Config uses.
const (
	DefaultHub  = "./perdure-data"
	DefaultAddr = "127.0.0.1:8080"
)

const (
	defaultGrace = 10 * time.Second
	maxTimeScale = 1e6
)

// complete fills in defaults and returns all that is wrong.
func (c *Config) complete() error {
	if c.Hub == "" {
		c.Hub = DefaultHub
	}
	if c.Addr == "" {
		c.Addr = DefaultAddr
	}
	if c.Registry == nil {
		c.Registry = perdure.NewRegistry()
	}
	if _, there := c.Registry.Entity(schedule.Entity("any").Name); !there {
		schedule.Register(c.Registry)
	}
	agent.RegisterShared(c.Registry)
	push.Register(c.Registry)
	if c.TimeScale == 0 {
		c.TimeScale = 1
	}
	if c.Grace == 0 {
		c.Grace = defaultGrace
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Progress == nil {
		logger := c.Logger
		c.Progress = func(text string) { logger.Info(text) }
	}
	var wrong []error
	if err := checkHub(c.Hub); err != nil {
		wrong = append(wrong, fmt.Errorf("hub: %w", err))
	}
	if remote.Is(c.Hub) && len(c.TaskHubs) > 0 {
		wrong = append(wrong, errors.New("task hubs: those of another server are made there; the hub's address names the one to work for"))
	}
	if remote.Is(c.Hub) && c.TimeScale != 1 {
		wrong = append(wrong, errors.New("time scale: the time of another server is its own"))
	}
	if err := c.Retention.check(c.Hub); err != nil {
		wrong = append(wrong, err)
	}
	if IsDatabase(c.Hub) && c.TimeScale != 1 {
		wrong = append(wrong, errors.New("time scale: the time of a database is its own"))
	}
	if err := httpapi.CheckLinks(c.Links); err != nil {
		wrong = append(wrong, err)
	}
	wrong = append(wrong, c.checkServing()...)
	if !prefixForm.MatchString(c.Prefix) || c.Prefix == "/api/v1" || strings.HasPrefix(c.Prefix, "/api/v1/") {
		wrong = append(wrong, fmt.Errorf("prefix: %q is no path such as /api, or begins the routes of the REST API", c.Prefix))
	}
	switch c.Document {
	case "", agent.DocumentVersion11, agent.DocumentVersion12:
	default:
		wrong = append(wrong, fmt.Errorf("document: state documents are not written in version %q", c.Document))
	}
	if _, err := allowed(c.PushAllow); err != nil {
		wrong = append(wrong, err)
	}
	if c.Webhook != (Webhook{}) {
		if err := webhook.Check(c.Webhook.URL, c.Webhook.Secret); err != nil {
			wrong = append(wrong, fmt.Errorf("webhook: %w", err))
		}
	}
	if c.Telemetry == nil {
		if err := checkTelemetry(); err != nil {
			wrong = append(wrong, fmt.Errorf("telemetry: %w", err))
		}
	}
	if err := c.Registry.Err(); err != nil {
		wrong = append(wrong, fmt.Errorf("registry: %w", err))
	}
	for _, w := range c.Workflows {
		if !c.Registry.HasOrchestration(w.Orchestration) {
			wrong = append(wrong, fmt.Errorf("workflows: no orchestration %q is registered", w.Orchestration))
		}
	}
	if !(c.TimeScale > 0 && c.TimeScale <= maxTimeScale) || math.IsNaN(c.TimeScale) {
		wrong = append(wrong, fmt.Errorf("time scale: %v is not between 0 and %d", c.TimeScale, int(maxTimeScale)))
	}
	if c.BodyLimit < 0 {
		wrong = append(wrong, fmt.Errorf("body limit: %d is negative", c.BodyLimit))
	}
	if c.Grace < 0 {
		wrong = append(wrong, fmt.Errorf("grace: %v is negative", c.Grace))
	}
	if err := errors.Join(wrong...); err != nil {
		return &perdure.Error{Code: perdure.InvalidArgument, Op: "configure", Message: "the configuration is not valid", Cause: err}
	}
	return nil
}

// checkServing returns what is wrong with where and to whom is served.
func (c *Config) checkServing() (wrong []error) {
	for _, addr := range append([]string{c.Addr}, c.Listen...) {
		if err := checkAddr(addr, c.UnsafeListen || c.TLS != (TLS{}) && c.Tokens != ""); err != nil {
			wrong = append(wrong, fmt.Errorf("address: %w", err))
		}
	}
	if err := checkAdvertise(c.Advertise); err != nil {
		wrong = append(wrong, fmt.Errorf("advertise: %w", err))
	}
	for _, name := range c.TaskHubs {
		if err := access.CheckHub(name); err != nil {
			wrong = append(wrong, fmt.Errorf("task hubs: %w", err))
		}
	}
	if c.Tokens != "" {
		if _, err := access.ReadFile(c.Tokens); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("there is no file %s; perdure token new --tokens %s --role contributor makes it, with a first token", c.Tokens, c.Tokens)
			}
			wrong = append(wrong, fmt.Errorf("tokens: %w", err))
		}
	}
	if c.TLS.Clients != "" && c.Tokens == "" {
		wrong = append(wrong, errors.New("tls: what clients with a certificate may do stands in the file of tokens (--tokens), which is missing"))
	}
	if c.TLS != (TLS{}) {
		if _, err := openCertificate(c.TLS); err != nil {
			wrong = append(wrong, fmt.Errorf("tls: %w", err))
		}
	}
	return wrong
}

// checkHub returns why the hub string names none that this build can open.
func checkHub(hub string) error {
	lower := strings.ToLower(hub)
	switch scheme, _, found := strings.Cut(lower, "://"); {
	case remote.Is(hub):
		_, err := remote.Parse(hub)
		return err
	case IsDatabase(hub):
		if _, err := url.Parse(hub); err != nil {
			return errors.New("the database's address is malformed: it reads postgres://user:password@host:port/database, where / ? # % and @ in a password are escaped, such as %2F")
		}
		return nil
	case found:
		return fmt.Errorf("no store of the kind %q; name a directory, or a database by its address (postgres://...)", scheme)
	}
	info, err := os.Stat(hub)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is no directory", hub)
	}
	return nil
}

// checkAddr returns why the address cannot be served on.
func checkAddr(addr string, allowed bool) error {
	name, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%q is not host:port", addr)
	}
	if _, err := net.ResolveTCPAddr("tcp", addr); err != nil {
		return err
	}
	if isLoopback(name) || allowed {
		return nil
	}
	return fmt.Errorf("others can reach %s: that needs TLS (--tls-cert, --tls-key) and tokens (--tokens); or serve on 127.0.0.1, or allow everybody everything with UnsafeListen (--unsafe-listen)", addr)
}

func isLoopback(name string) bool {
	if strings.EqualFold(name, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.IsLoopback()
}
