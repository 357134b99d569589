package protocol

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"

	"realtime-election/spark/wire"
)

// Conn is a connection that speaks for one session. Its methods are safe for concurrent use.
type Conn struct {
	client      *grpc.ClientConn
	target      Target
	handshakes  *handshakes
	retry       RetryPolicy
	retryHook   func(Retry)
	callTimeout time.Duration
	silence     time.Duration
	version     string

	mu              sync.Mutex
	serverSessionID string                  // once known; sent with every call
	unreleased      map[*Execution]struct{} // closed by their callers, and not yet released

	background     context.Context // of releases still on their way
	stopBackground context.CancelFunc
	releases       sync.WaitGroup
	closeOnce      sync.Once
}

func newConn(client *grpc.ClientConn, seen *handshakes, o *Options) *Conn {
	c := &Conn{
		client: client, target: o.Target, handshakes: seen, retry: o.Retry.filled(), retryHook: o.RetryHook,
		callTimeout: cmp.Or(max(o.CallTimeout, 0), defaultCallTimeout), silence: cmp.Or(max(o.Silence, 0), defaultSilence),
		serverSessionID: o.ServerSessionID, unreleased: map[*Execution]struct{}{},
	}
	c.background, c.stopBackground = context.WithCancel(context.Background())
	return c
}

// SessionID is the client's id of the session.
func (c *Conn) SessionID() string { return c.target.SessionID }

// UserID is whose session it is.
func (c *Conn) UserID() string { return c.target.UserID }

// ServerSessionID is the server's id of the session; empty before the first answer.
func (c *Conn) ServerSessionID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.serverSessionID
}

// Token is the secret to cut out of the errors that an answer holds.
func (c *Conn) Token() Token { return c.target.Token }

// Version is the version of Spark that the server named when it was dialled.
func (c *Conn) Version() string { return c.version }

// AskVersion asks the server for Spark's version.
func (c *Conn) AskVersion(ctx context.Context) (string, error) {
	response, err := c.Analyze(ctx, &wire.AnalyzePlanRequest{
		Analyze: &wire.AnalyzePlanRequest_SparkVersion_{SparkVersion: &wire.AnalyzePlanRequest_SparkVersion{}},
	})
	if err != nil {
		return "", fmt.Errorf("ask for the Spark version: %w", err)
	}
	return response.GetSparkVersion().GetVersion(), nil
}

// Analyze asks about a plan without running it. It writes into the request whose it is.
func (c *Conn) Analyze(ctx context.Context, request *wire.AnalyzePlanRequest) (*wire.AnalyzePlanResponse, error) {
	request.SessionId, request.UserContext = c.SessionID(), c.userContext()
	request.ClientType, request.ClientObservedServerSideSessionId = c.clientType(), c.observedSession()
	response := &wire.AnalyzePlanResponse{}
	return response, c.call(ctx, "AnalyzePlan", request, response)
}

// Config reads or changes the session's settings.
func (c *Conn) Config(ctx context.Context, operation *wire.ConfigRequest_Operation) ([]*wire.KeyValue, error) {
	request := &wire.ConfigRequest{
		SessionId: c.SessionID(), UserContext: c.userContext(), ClientType: c.clientType(),
		ClientObservedServerSideSessionId: c.observedSession(), Operation: operation,
	}
	response := &wire.ConfigResponse{}
	if err := c.call(ctx, "Config", request, response); err != nil {
		return nil, err
	}
	return response.GetPairs(), nil
}

// InterruptAll cancels the operations of the session, and returns the ids of those it cancelled.
func (c *Conn) InterruptAll(ctx context.Context) ([]string, error) {
	return c.interrupt(ctx, &wire.InterruptRequest{InterruptType: wire.InterruptRequest_INTERRUPT_TYPE_ALL})
}

// InterruptTag cancels the operations that carry a tag, and returns the ids of those it cancelled.
func (c *Conn) InterruptTag(ctx context.Context, tag string) ([]string, error) {
	if err := checkTag(tag); err != nil {
		return nil, err
	}
	return c.interrupt(ctx, &wire.InterruptRequest{
		InterruptType: wire.InterruptRequest_INTERRUPT_TYPE_TAG, Interrupt: &wire.InterruptRequest_OperationTag{OperationTag: tag},
	})
}

func (c *Conn) interrupt(ctx context.Context, request *wire.InterruptRequest) ([]string, error) {
	request.SessionId, request.UserContext = c.SessionID(), c.userContext()
	request.ClientType, request.ClientObservedServerSideSessionId = c.clientType(), c.observedSession()
	response := &wire.InterruptResponse{}
	if err := c.call(ctx, "Interrupt", request, response); err != nil {
		return nil, err
	}
	return response.GetInterruptedIds(), nil
}

// ReleaseSession ends the session on the server, once the executions that were closed before are released: with the session Spark would
// lose hold of a job that is about to begin.
func (c *Conn) ReleaseSession(ctx context.Context) error {
	c.awaitReleased(ctx)
	request := &wire.ReleaseSessionRequest{SessionId: c.SessionID(), UserContext: c.userContext(), ClientType: c.clientType()}
	err := c.call(ctx, "ReleaseSession", request, &wire.ReleaseSessionResponse{})
	if err == nil {
		return nil
	}
	// A server without spark-mllib on its class path fails in the last step of a release, when the session is closed already: what counts
	// is whether the session still answers.
	if _, after := c.AskVersion(ctx); !cancelled(after) && errors.Is(after, ErrSessionClosed) {
		return nil
	}
	return err
}

// Close closes the connection and leaves the session as it is. It waits five seconds at most for releases that are on their way. Calls
// after the first do nothing.
func (c *Conn) Close() (err error) {
	c.closeOnce.Do(func() {
		timer := time.AfterFunc(closeLimit, c.stopBackground)
		c.releases.Wait()
		timer.Stop()
		c.stopBackground()
		err = c.client.Close()
	})
	return err
}

// Background is the context of what outlives a caller's own context; it ends with Close.
func (c *Conn) Background() context.Context { return c.background }

// Pause waits for d or until ctx ends, by the clock of the retries.
func (c *Conn) Pause(ctx context.Context, d time.Duration) error { return c.retry.sleep(ctx, d) }

// addUnreleased keeps an execution that its caller has closed.
func (c *Conn) addUnreleased(e *Execution) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unreleased[e] = struct{}{}
}

// removeUnreleased forgets an execution, of which the server has been told that it is over, or cannot be told.
func (c *Conn) removeUnreleased(e *Execution) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.unreleased, e)
	close(e.released)
}

// awaitReleased waits until the executions that were closed before are released, or ctx ends.
func (c *Conn) awaitReleased(ctx context.Context) {
	c.mu.Lock()
	unreleased := slices.Collect(maps.Keys(c.unreleased))
	c.mu.Unlock()
	for _, e := range unreleased {
		select {
		case <-e.released:
		case <-ctx.Done():
		}
	}
}

func (c *Conn) userContext() *wire.UserContext {
	return &wire.UserContext{UserId: c.UserID(), UserName: c.UserID()}
}

func (c *Conn) clientType() *string {
	agent := c.target.clientType()
	return &agent
}

// observedSession is what Spark needs to notice that it was restarted; nil before the first answer.
func (c *Conn) observedSession() *string {
	id := c.ServerSessionID()
	if id == "" {
		return nil
	}
	return &id
}
