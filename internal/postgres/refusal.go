package postgres

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"realtime-election/election"
)

// CheckURL returns an *election.Wrong if a URL is none, or names a file that cannot be read. It does not connect.
func CheckURL(url string) error {
	_, err := pgx.ParseConfig(url)
	return Explain(err)
}

// Explain says what to correct where Connect fails because PostgreSQL refuses the client, or the client refuses PostgreSQL. It
// returns an *election.Wrong, which contains no password, and nil for other errors.
func Explain(err error) error {
	var (
		unusable *pgconn.ParseConfigError
		file     *fs.PathError
		connect  *pgconn.ConnectError
	)
	wrong := &election.Wrong{Setting: "postgres"}
	switch {
	case errors.As(err, &unusable) && errors.As(err, &file):
		wrong.Text = fmt.Sprintf("names a file that cannot be read: %v", file)
	case errors.As(err, &unusable): // it is not repeated here
		wrong.Text = "is not a PostgreSQL URL; write postgres://user:password@host:port/database"
	case errors.As(err, &connect) && reasonOf(connect) != "":
		wrong.Text = fmt.Sprintf("leads to the PostgreSQL at %s:%d, which %s", connect.Config.Host, connect.Config.Port, reasonOf(connect))
	default:
		return nil
	}
	return wrong
}

// reasonOf says what PostgreSQL does, and what to correct for it. It is empty where the error is no refusal.
func reasonOf(err *pgconn.ConnectError) string {
	var (
		refused   *pgconn.PgError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &refused) && refused.Code == "28P01":
		return fmt.Sprintf("does not know the user %s with this password; correct it, or give it to `election init`", err.Config.User)
	case errors.As(err, &refused) && refused.Code == "28000":
		return fmt.Sprintf("does not let in the user %s (%s); correct the user or sslmode, or give `election init` a password for it", err.Config.User, refused.Message)
	case errors.As(err, &authority):
		return "has a certificate of an authority that is not trusted; put that authority's certificate into the file that sslrootcert names"
	case errors.As(err, &host):
		return fmt.Sprintf("has a certificate for another name (%v); write the name that it is for", host)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "has a certificate that has expired, or the clock of this machine is wrong; let its operator renew it"
	case strings.Contains(err.Error(), "server refused TLS connection"): // pgx exports no type for it
		return "has no TLS; let its operator set it up, or correct sslmode"
	}
	return ""
}
