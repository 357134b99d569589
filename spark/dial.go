package spark

import (
	"context"
	"crypto/tls"
	"time"

	"google.golang.org/grpc"

	"realtime-election/spark/internal/protocol"
)

// DefaultPort is the port Spark Connect listens on unless told otherwise, 15002.
const DefaultPort = protocol.DefaultPort

// Option changes how Dial connects.
type Option func(*options)

type options = protocol.Options

// WithSessionID continues the session of that id, a UUID, or starts it if the server does not know it.
func WithSessionID(id SessionID) Option { return func(o *options) { o.SessionID = string(id) } }

// WithUserID says whose session it is: the server finds a session by user and session id together.
func WithUserID(id UserID) Option { return func(o *options) { o.UserID = string(id) } }

// WithToken sets the bearer token, so that it need not stand in the connection string.
func WithToken(token string) Option { return func(o *options) { o.Token = protocol.Token(token) } }

// WithUserAgent names the program in the server's logs.
func WithUserAgent(agent string) Option { return func(o *options) { o.UserAgent = agent } }

// WithServerSessionID expects the server-side session of that id (Session.ServerSessionID of an earlier connection). Should
// the server have restarted since, Dial fails with ErrSessionChanged rather than in silence start an empty session.
func WithServerSessionID(id string) Option { return func(o *options) { o.ServerSessionID = id } }

// WithTLS sets the TLS configuration and switches TLS on.
func WithTLS(config *tls.Config) Option {
	return func(o *options) {
		yes := true
		o.TLS, o.UseTLS = config, &yes
	}
}

// WithTokenInPlainText lets the token travel without TLS to other machines, for networks that nobody else can read.
func WithTokenInPlainText() Option { return func(o *options) { o.TokenInPlainText = true } }

// WithRetry replaces DefaultRetry, whose Initial, Max and Multiplier stand in for those that are zero: RetryPolicy{Retries: 3} waits
// as the default, and less often.
func WithRetry(policy RetryPolicy) Option { return func(o *options) { o.Retry = policy } }

// WithRetryHook has a function told of each retry before its wait, so that a program can log what would else be silence. It is called
// by many goroutines, and must not block.
func WithRetryHook(hook func(Retry)) Option { return func(o *options) { o.RetryHook = hook } }

// WithCallTimeout bounds one attempt of a call that is not a stream; 2 minutes unless set, or where d is not above
// zero. A call that runs into it is retried as if the connection had broken.
func WithCallTimeout(d time.Duration) Option { return func(o *options) { o.CallTimeout = d } }

// WithSilence sets how long a stream of results may stay silent before the client reattaches; 3 minutes unless set, or
// where d is not above zero.
func WithSilence(d time.Duration) Option { return func(o *options) { o.Silence = d } }

// WithGRPC adds gRPC dial options, for tracing or a test's listener.
func WithGRPC(opts ...grpc.DialOption) Option {
	return func(o *options) { o.GRPC = append(o.GRPC, opts...) }
}

// Dial connects to the server named by a Spark connection string,
//
//	sc://host:port/;token=…;use_ssl=true;user_id=…;session_id=…;user_agent=…;x-name=…
//
// and asks for its version, which starts or finds the session. It blocks, retrying while the server is unreachable, until
// ctx ends or the retries are used up, about ten minutes: a name that is wrong cannot be told from a server that is away, so give ctx
// a deadline, and see the retries with WithRetryHook. The deadline bounds Dial alone, not the session. A certificate that is not
// trusted, is out of date or of another name, and a server without TLS, fail at once. A token goes over TLS except to this machine.
func Dial(ctx context.Context, connection string, opts ...Option) (*Session, error) {
	o, err := protocol.NewOptions(connection)
	if err != nil {
		return nil, err
	}
	for _, opt := range opts {
		opt(o)
	}
	conn, err := protocol.Dial(ctx, o)
	if err != nil {
		return nil, err
	}
	return &Session{conn: conn, starts: starts{changed: make(chan struct{}, 1)}}, nil
}
