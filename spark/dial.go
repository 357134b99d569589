package spark

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"runtime"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
)

const (
	defaultMaxMessageSize = 128 << 20
	defaultCallTimeout    = 2 * time.Minute
	// defaultSilence is how long a response stream may say nothing before the client reattaches. Servers cut a stream
	// after two minutes by default, so a longer silence means a dead connection.
	defaultSilence = 3 * time.Minute
	// Servers answer pings faster than every five minutes with too_many_pings.
	keepaliveInterval = 6 * time.Minute
)

// Option changes how Dial connects.
type Option func(*options)

type options struct {
	target          target
	tls             *tls.Config
	tokenWithoutTLS bool
	handshakes      handshakes
	retry           RetryPolicy
	retryHook       func(Retry)
	callTimeout     time.Duration
	silence         time.Duration
	observed        string
	grpc            []grpc.DialOption
}

// WithSessionID continues the session of that id, a UUID, or starts it if the server does not know it.
func WithSessionID(id SessionID) Option { return func(o *options) { o.target.sessionID = id } }

// WithUserID says whose session it is: the server finds a session by user and session id together.
func WithUserID(id UserID) Option { return func(o *options) { o.target.userID = id } }

// WithToken sets the bearer token, so that it need not stand in the connection string.
func WithToken(token string) Option { return func(o *options) { o.target.token = token } }

// WithUserAgent names the program in the server's logs.
func WithUserAgent(agent string) Option { return func(o *options) { o.target.userAgent = agent } }

// WithServerSessionID expects the server-side session of that id (Session.ServerSessionID of an earlier connection). Should
// the server have restarted since, Dial fails with ErrSessionChanged rather than in silence start an empty session.
func WithServerSessionID(id string) Option { return func(o *options) { o.observed = id } }

// WithTLS sets the TLS configuration and switches TLS on.
func WithTLS(config *tls.Config) Option {
	return func(o *options) {
		yes := true
		o.tls, o.target.useSSL = config, &yes
	}
}

// WithTokenInPlainText lets the token travel without TLS to other machines, for networks that nobody else can read.
func WithTokenInPlainText() Option { return func(o *options) { o.tokenWithoutTLS = true } }

// WithRetry replaces DefaultRetry, whose Initial, Max and Multiplier stand in for those that are zero: RetryPolicy{Retries: 3} waits
// as the default, and less often.
func WithRetry(policy RetryPolicy) Option { return func(o *options) { o.retry = policy.filled() } }

// WithRetryHook has a function told of each retry before its wait, so that a program can log what would else be silence. It is called
// by many goroutines, and must not block.
func WithRetryHook(hook func(Retry)) Option { return func(o *options) { o.retryHook = hook } }

// WithCallTimeout bounds one attempt of a call that is not a stream; 2 minutes unless set, or where d is not above
// zero. A call that runs into it is retried as if the connection had broken.
func WithCallTimeout(d time.Duration) Option {
	return func(o *options) { o.callTimeout = cmp.Or(max(d, 0), defaultCallTimeout) }
}

// WithSilence sets how long a stream of results may stay silent before the client reattaches; 3 minutes unless set, or
// where d is not above zero.
func WithSilence(d time.Duration) Option {
	return func(o *options) { o.silence = cmp.Or(max(d, 0), defaultSilence) }
}

// WithGRPC adds gRPC dial options, for tracing or a test's listener.
func WithGRPC(opts ...grpc.DialOption) Option {
	return func(o *options) { o.grpc = append(o.grpc, opts...) }
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
	parsed, err := parseTarget(connection)
	if err != nil {
		return nil, err
	}
	o := options{target: parsed, retry: DefaultRetry(), callTimeout: defaultCallTimeout, silence: defaultSilence}
	for _, opt := range opts {
		opt(&o)
	}
	if err := o.target.checkSessionID(); err != nil {
		return nil, err
	}
	conn, err := o.newConn()
	if err != nil {
		return nil, err
	}
	s := newSession(conn, &o)
	if s.version, err = s.Version(ctx); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("connect to Spark at %s: %w", o.target.address(), err)
	}
	return s, nil
}

func (o *options) newConn() (*grpc.ClientConn, error) {
	secure, err := o.target.secure(o.tokenWithoutTLS)
	if err != nil {
		return nil, err
	}
	transport := insecure.NewCredentials()
	if secure {
		config := o.tls
		if config == nil {
			config = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		transport = &watchedTLS{TransportCredentials: credentials.NewTLS(config), seen: &o.handshakes}
	}
	dial := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithUserAgent(o.target.clientType()),
		grpc.WithDisableServiceConfig(),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(o.target.maxMessageSize), grpc.MaxCallSendMsgSize(o.target.maxMessageSize)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveInterval, Timeout: 20 * time.Second}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
			MinConnectTimeout: 10 * time.Second,
		}),
	}
	if o.target.token != "" {
		dial = append(dial, grpc.WithPerRPCCredentials(bearer{token: o.target.token, needTLS: secure}))
	}
	conn, err := grpc.NewClient(o.target.address(), append(dial, o.grpc...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to Spark at %s: %w", o.target.address(), err)
	}
	return conn, nil
}

// clientType is what Spark's own clients send: who calls, and with what.
func (t *target) clientType() string {
	agent := t.userAgent
	if agent == "" {
		agent = "_SPARK_CONNECT_GO"
	}
	return fmt.Sprintf("%s os/%s %s", agent, runtime.GOOS, strings.Replace(runtime.Version(), "go", "go/", 1))
}

// outgoing adds the x- headers of the connection string to a call.
func (t *target) outgoing(ctx context.Context) context.Context {
	for key, value := range t.headers {
		ctx = metadata.AppendToOutgoingContext(ctx, key, value)
	}
	return ctx
}

// bearer sends the token with every call.
type bearer struct {
	token   string
	needTLS bool
}

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + b.token}, nil
}

func (b bearer) RequireTransportSecurity() bool { return b.needTLS }
