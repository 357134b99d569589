package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// WithKafka calls f with the address of DATA's Kafka: the one that runs, or one that is started for f and stopped
// after it. It returns f's error, or says why there is no Kafka.
func WithKafka(ctx context.Context, data string, f func(brokers string) error) error {
	if record, ok := Running(data, Kafka); ok {
		return f(record.Address)
	}
	if _, err := os.Stat(filepath.Join(data, Kafka, "data")); err != nil {
		return fmt.Errorf("there is no election in %s (%w): name the folder that `election up` used with --data", data, err)
	}
	config := Config{Data: data}
	unlock, err := lock(config)
	if err != nil {
		return err
	}
	defer unlock()
	kafka, err := StartKafka(ctx, config)
	if err != nil {
		return err
	}
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
		defer cancel()
		kafka.Stop(stopping) // one that has to be killed recovers at its next start
	}()
	return f(kafka.Address())
}
