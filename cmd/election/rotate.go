package main

import (
	"context"
	"log/slog"
)

type rotateCommand struct {
	secretsFlags
}

// Help is part of rotate --help.
func (*rotateCommand) Help() string {
	return `Kafka and PostgreSQL must be running, and learn the new passwords at once. The services read them when they start, so restart all of them afterwards: docker compose up --detach --force-recreate. If rotate is interrupted, run it again.

The ballot key stays: with another one, voters would get a second ballot. So does the certificate authority.`
}

func (c *rotateCommand) Run(ctx context.Context, log *slog.Logger) error {
	if err := c.secrets().Rotate(ctx); err != nil {
		return err
	}
	log.Info("the servers have new passwords; restart all services")
	return nil
}
