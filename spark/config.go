package spark

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	"realtime-election/spark/internal/protocol"
	"realtime-election/spark/wire"
)

// Config is the run-time configuration of a session, spark.conf in Spark's documentation.
type Config struct{ conn *protocol.Conn }

// Config gives access to the session's run-time configuration.
func (s *Session) Config() Config { return Config{conn: s.conn} }

// Set changes settings of the session; static settings are refused with the class CANNOT_MODIFY_STATIC_CONFIG.
func (c Config) Set(ctx context.Context, key, value string) error {
	_, err := c.conn.Config(ctx, &wire.ConfigRequest_Operation{OpType: &wire.ConfigRequest_Operation_Set{Set: &wire.ConfigRequest_Set{
		Pairs: []*wire.KeyValue{{Key: key, Value: &value}},
	}}})
	if err != nil {
		return fmt.Errorf("set %s: %w", key, err)
	}
	return nil
}

// Get returns a setting, its default if it was never set, or an error of class SQL_CONF_NOT_FOUND if it has neither.
func (c Config) Get(ctx context.Context, key string) (string, error) {
	pairs, err := c.conn.Config(ctx, &wire.ConfigRequest_Operation{OpType: &wire.ConfigRequest_Operation_Get{Get: &wire.ConfigRequest_Get{Keys: []string{key}}}})
	if err != nil {
		return "", fmt.Errorf("get %s: %w", key, err)
	}
	return valueOf(pairs, key)
}

// GetOr returns a setting, or otherwise the given value.
func (c Config) GetOr(ctx context.Context, key, otherwise string) (string, error) {
	pairs, err := c.conn.Config(ctx, &wire.ConfigRequest_Operation{OpType: &wire.ConfigRequest_Operation_GetWithDefault{
		GetWithDefault: &wire.ConfigRequest_GetWithDefault{Pairs: []*wire.KeyValue{{Key: key, Value: proto.String(otherwise)}}},
	}})
	if err != nil {
		return "", fmt.Errorf("get %s: %w", key, err)
	}
	return valueOf(pairs, key)
}

// All returns every setting whose key starts with prefix, with its full key.
func (c Config) All(ctx context.Context, prefix string) (map[string]string, error) {
	request := &wire.ConfigRequest_GetAll{}
	if prefix != "" {
		request.Prefix = &prefix
	}
	pairs, err := c.conn.Config(ctx, &wire.ConfigRequest_Operation{OpType: &wire.ConfigRequest_Operation_GetAll{GetAll: request}})
	if err != nil {
		return nil, fmt.Errorf("get the settings under %q: %w", prefix, err)
	}
	all := make(map[string]string, len(pairs))
	for _, pair := range pairs {
		all[prefix+pair.GetKey()] = pair.GetValue() // Spark answers with the prefix cut off
	}
	return all, nil
}

// Unset takes a setting back to its default.
func (c Config) Unset(ctx context.Context, key string) error {
	_, err := c.conn.Config(ctx, &wire.ConfigRequest_Operation{OpType: &wire.ConfigRequest_Operation_Unset{Unset: &wire.ConfigRequest_Unset{Keys: []string{key}}}})
	if err != nil {
		return fmt.Errorf("unset %s: %w", key, err)
	}
	return nil
}

func valueOf(pairs []*wire.KeyValue, key string) (string, error) {
	for _, pair := range pairs {
		if pair.GetKey() == key {
			return pair.GetValue(), nil
		}
	}
	return "", fmt.Errorf("get %s: the server answered without it", key)
}
