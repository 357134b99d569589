package protocol

import (
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
	defaultCallTimeout = 2 * time.Minute
	// defaultSilence is longer than the two minutes after which servers cut a stream by default: a stream that is silent for longer is a
	// dead connection.
	defaultSilence = 3 * time.Minute
	// keepaliveInterval is longer than five minutes: a server answers pings that come faster with too_many_pings.
	keepaliveInterval = 6 * time.Minute
)

// Options say where and how Dial connects. A duration that is not above zero stands for its default, as do the Initial, Max and
// Multiplier of Retry where they are zero. The options of package spark say what each is for.
type Options struct {
	Target
	TLS              *tls.Config
	TokenInPlainText bool
	Retry            RetryPolicy
	RetryHook        func(Retry)
	CallTimeout      time.Duration
	Silence          time.Duration
	ServerSessionID  string // the one expected; empty takes any
	GRPC             []grpc.DialOption
}

// NewOptions are those of a connection string, and the defaults.
func NewOptions(connection string) (*Options, error) {
	target, err := parseTarget(connection)
	if err != nil {
		return nil, err
	}
	return &Options{Target: target, Retry: DefaultRetry()}, nil
}

// Dial connects, and asks for the server's version, which starts or finds the session. It blocks, with retries, until the server answers,
// ctx ends or the retries are used up.
func Dial(ctx context.Context, o *Options) (*Conn, error) {
	if err := o.checkSessionID(); err != nil {
		return nil, err
	}
	seen := &handshakes{}
	client, err := o.newClient(seen)
	if err != nil {
		return nil, err
	}
	c := newConn(client, seen, o)
	if c.version, err = c.AskVersion(ctx); err != nil {
		_ = c.Close()
		return nil, fmt.Errorf("connect to Spark at %s: %w", o.address(), err)
	}
	return c, nil
}

// newClient is gRPC's side of a connection, which records its TLS handshakes.
func (o *Options) newClient(seen *handshakes) (*grpc.ClientConn, error) {
	secure, err := o.secure(o.TokenInPlainText)
	if err != nil {
		return nil, err
	}
	transport := insecure.NewCredentials()
	if secure {
		config := o.TLS
		if config == nil {
			config = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		transport = &watchedTLS{TransportCredentials: credentials.NewTLS(config), handshakes: seen}
	}
	dial := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithUserAgent(o.clientType()),
		grpc.WithDisableServiceConfig(),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(o.maxMessageSize), grpc.MaxCallSendMsgSize(o.maxMessageSize)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveInterval, Timeout: 20 * time.Second}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
			MinConnectTimeout: 10 * time.Second,
		}),
	}
	if o.Token != "" {
		dial = append(dial, grpc.WithPerRPCCredentials(bearer{token: o.Token, needTLS: secure}))
	}
	conn, err := grpc.NewClient(o.address(), append(dial, o.GRPC...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to Spark at %s: %w", o.address(), err)
	}
	return conn, nil
}

// clientType is what Spark's own clients send: who calls, and with what.
func (t *Target) clientType() string {
	agent := t.UserAgent
	if agent == "" {
		agent = "_SPARK_CONNECT_GO"
	}
	return fmt.Sprintf("%s os/%s %s", agent, runtime.GOOS, strings.Replace(runtime.Version(), "go", "go/", 1))
}

// outgoing adds the x- headers of the connection string to a call.
func (t *Target) outgoing(ctx context.Context) context.Context {
	for key, value := range t.headers {
		ctx = metadata.AppendToOutgoingContext(ctx, key, value)
	}
	return ctx
}

// bearer sends the token with every call.
type bearer struct {
	token   Token
	needTLS bool
}

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b.token)}, nil
}

func (b bearer) RequireTransportSecurity() bool { return b.needTLS }
